//! A text as WhatsApp shows it: `*bold*`, `_italic_`, `~struck~`, `` `code` ``, ```` ```mono``` ````, lists, quotes and links
//! (<https://faq.whatsapp.com/539178204879377>). What comes out is HTML in which nothing of the text stands unescaped.

/// Characters that are shown of a text; WhatsApp's own limit is below it.
const MOST_CHARS: usize = 5000;
/// Marks within marks.
const MOST_DEEP: u8 = 6;
/// Emoji that are shown large where there is nothing else.
const MOST_LARGE: usize = 3;

/// The text as HTML.
pub fn html(text: &str) -> String {
    let shown = clip(text, MOST_CHARS);
    let (mut html, mut rest) = (String::with_capacity(shown.len() * 2), shown.as_ref());
    while let Some((before, mono, behind)) = fenced(rest) {
        lines(before, &mut html);
        html.push_str("<code class=\"mono\">");
        escape(mono, &mut html);
        html.push_str("</code>");
        rest = behind;
    }
    lines(rest, &mut html);
    html
}

/// At most so many characters of a text.
pub fn clip(text: &str, most: usize) -> std::borrow::Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

/// A text in one line, without its marks: for previews and quotes.
pub fn preview(text: &str, most: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().take(most).collect();
    clip(&words.join(" "), most).replace(['*', '~', '`'], "")
}

/// Whether it is but a few emoji, which are shown large.
pub fn is_large(text: &str) -> bool {
    const JOINER: char = '\u{200d}';
    let is_mark = |c: char| matches!(c, JOINER | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}');
    let is_emoji = |c: char| matches!(c, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{231a}'..='\u{23ff}');
    let is_flag = |c: char| matches!(c, '\u{1f1e6}'..='\u{1f1ff}');
    let (mut halves, mut before) = (0, None);
    for c in text.trim().chars() {
        if !is_mark(c) && !is_emoji(c) {
            return false;
        }
        // A flag is two letters; what a joiner joins is one.
        halves += if is_mark(c) || before == Some(JOINER) { 0 } else { 2 - usize::from(is_flag(c)) };
        before = Some(c);
    }
    (1..=2 * MOST_LARGE).contains(&halves)
}

/// What stands before the first pair of fences, between them, and behind.
fn fenced(text: &str) -> Option<(&str, &str, &str)> {
    let (before, after) = text.split_once("```")?;
    let (mono, behind) = after.split_once("```")?;
    (!mono.trim().is_empty()).then_some((before, mono.trim_matches('\n'), behind))
}

/// What a line is.
#[derive(Clone, Copy, PartialEq)]
enum Line<'a> {
    Plain(&'a str),
    Bullet(&'a str),
    Numbered(u32, &'a str),
    Quote(&'a str),
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        let numbered = |line: &'a str| {
            let (number, text) = line.split_once(". ")?;
            (number.len() < 4).then(|| Some(Self::Numbered(number.parse().ok()?, text))).flatten()
        };
        if let Some(text) = line.strip_prefix("* ").or_else(|| line.strip_prefix("- ")) {
            return Self::Bullet(text);
        }
        match line.strip_prefix("> ") {
            Some(text) => Self::Quote(text),
            None => numbered(line).unwrap_or(Self::Plain(line)),
        }
    }

    /// The element around lines of its kind.
    fn element(self) -> Option<&'static str> {
        match self {
            Self::Plain(_) => None,
            Self::Bullet(_) => Some("ul"),
            Self::Numbered(..) => Some("ol"),
            Self::Quote(_) => Some("blockquote"),
        }
    }
}

fn lines(text: &str, html: &mut String) {
    let (mut around, mut is_first) = (None, true);
    for line in text.split('\n').map(|line| Line::of(line.trim_end_matches('\r'))) {
        let element = line.element();
        if element != around {
            close(around, html);
            match line {
                Line::Numbered(first, _) => html.push_str(&format!("<ol start=\"{first}\">")),
                _ => open(element, html),
            }
        }
        // Two lines are parted by a break, but for the edges of blocks, which part by themselves.
        let needs_break = !is_first && element == around && matches!(line, Line::Plain(_) | Line::Quote(_));
        if needs_break {
            html.push_str("<br>");
        }
        match line {
            Line::Plain(text) | Line::Quote(text) => inline(text, 0, html),
            Line::Bullet(text) | Line::Numbered(_, text) => within("li", text, 0, html),
        }
        (around, is_first) = (element, false);
    }
    close(around, html);
}

fn open(element: Option<&str>, html: &mut String) {
    html.extend(element.map(|element| format!("<{element}>")));
}

fn close(element: Option<&str>, html: &mut String) {
    html.extend(element.map(|element| format!("</{element}>")));
}

fn within(element: &str, text: &str, deep: u8, html: &mut String) {
    open(Some(element), html);
    inline(text, deep, html);
    close(Some(element), html);
}

/// One line: links, code, marks.
fn inline(text: &str, deep: u8, html: &mut String) {
    let (mut rest, mut before) = (text, None);
    while let Some(next) = rest.chars().next() {
        let taken = link(rest, before, html).or_else(|| code(rest, html)).or_else(|| mark(rest, before, deep, html));
        let taken = taken.unwrap_or_else(|| {
            let one = rest.get(..next.len_utf8()).unwrap_or_default();
            escape(one, html);
            one.len()
        });
        let (done, left) = rest.split_at(taken);
        (before, rest) = (done.chars().next_back(), left);
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric()
}

/// A link at the beginning; gives how many bytes it takes.
fn link(text: &str, before: Option<char>, html: &mut String) -> Option<usize> {
    let scheme = ["https://", "http://"].into_iter().find(|scheme| text.starts_with(scheme))?;
    let end = text.find(|c: char| c.is_whitespace() || c.is_control() || "<>\"".contains(c)).unwrap_or(text.len());
    let url = trimmed(text.get(..end)?);
    if before.is_some_and(is_word) || url.len() <= scheme.len() {
        return None;
    }
    html.push_str("<a target=\"_blank\" rel=\"noopener noreferrer nofollow\" href=\"");
    escape(url, html);
    html.push_str("\">");
    escape(url, html);
    html.push_str("</a>");
    Some(url.len())
}

/// Without what ends the sentence around it; a bracket belongs to it where it was opened in it.
fn trimmed(url: &str) -> &str {
    let mut url = url;
    while let Some(last) = url.chars().next_back() {
        let is_foreign = match last {
            ')' => !url.contains('('),
            c => ".,;:!?'*_~`]}".contains(c),
        };
        if !is_foreign {
            break;
        }
        url = url.get(..url.len() - last.len_utf8()).unwrap_or_default();
    }
    url
}

/// Code at the beginning.
fn code(text: &str, html: &mut String) -> Option<usize> {
    let (code, _) = text.strip_prefix('`')?.split_once('`')?;
    if code.trim().is_empty() {
        return None;
    }
    html.push_str("<code>");
    escape(code, html);
    html.push_str("</code>");
    Some(code.len() + 2)
}

/// A marked passage at the beginning: the mark stands at the edge of a word, and the passage neither begins nor ends with a
/// blank.
fn mark(text: &str, before: Option<char>, deep: u8, html: &mut String) -> Option<usize> {
    let mark = text.chars().next().filter(|c| "*_~".contains(*c))?;
    let element = match mark {
        '*' => "strong",
        '_' => "em",
        _ => "s",
    };
    let inside = text.get(1..)?;
    let begins = inside.chars().next().is_some_and(|c| !c.is_whitespace() && c != mark);
    if deep >= MOST_DEEP || before.is_some_and(is_word) || !begins {
        return None;
    }
    let end = inside.match_indices(mark).map(|(at, _)| at).find(|at| {
        let (passage, behind) = inside.split_at(*at);
        let ends = passage.chars().next_back().is_some_and(|c| !c.is_whitespace());
        ends && !behind.chars().nth(1).is_some_and(is_word)
    })?;
    within(element, inside.get(..end)?, deep + 1, html);
    Some(end + 2)
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINK: &str = "<a target=\"_blank\" rel=\"noopener noreferrer nofollow\" href=\"";

    #[test]
    fn marks_are_shown_at_the_edges_of_words_alone() {
        let cases = [
            ("*bold* _it_ ~gone~", "<strong>bold</strong> <em>it</em> <s>gone</s>"),
            ("*_both_*", "<strong><em>both</em></strong>"),
            ("(*a b*), *c*.", "(<strong>a b</strong>), <strong>c</strong>."),
            ("2*3*4 and snake_case_name", "2*3*4 and snake_case_name"),
            ("* a* and *b *", "<ul><li>a* and *b *</li></ul>"),
            ("*open", "*open"),
            ("**", "**"),
            ("*a\nb*", "*a<br>b*"),
            ("`*x*` ```*y*\nz```", "<code>*x*</code> <code class=\"mono\">*y*\nz</code>"),
        ];
        for (text, expected) in cases {
            assert_eq!(html(text), expected, "{text}");
        }
    }

    #[test]
    fn lists_and_quotes_are_blocks() {
        let text = "To do:\n* one\n- two\n3. three\n4. four\n> said\n> more\nbye\r\nnow";
        let expected = "To do:<ul><li>one</li><li>two</li></ul><ol start=\"3\"><li>three</li><li>four</li></ol>\
                        <blockquote>said<br>more</blockquote>bye<br>now";
        assert_eq!(html(text), expected);
    }

    #[test]
    fn links_end_where_the_sentence_goes_on() {
        for (text, url, behind) in [
            ("https://a.example/b?c=1&d=2.", "https://a.example/b?c=1&amp;d=2", "."),
            ("https://a.example/b_(c)", "https://a.example/b_(c)", ""),
            ("https://a.example)", "https://a.example", ")"),
            ("http://a.example/_x_ y", "http://a.example/_x", "_ y"),
        ] {
            assert_eq!(html(text), format!("{LINK}{url}\">{url}</a>{behind}"));
        }
        assert_eq!(html("javascript:alert(1) xhttps://a https://"), "javascript:alert(1) xhttps://a https://");
    }

    #[test]
    fn nothing_of_a_text_becomes_markup() {
        for text in [
            "<script>alert(1)</script>",
            "*<img src=x onerror=alert(1)>*",
            "https://a.example/\"onmouseover=\"alert(1)",
            "`</code><b>`",
            "```</code><b>```",
            "> <b>",
        ] {
            let html = html(text);
            let tags: Vec<_> = html.split('<').skip(1).collect();
            let ours = [
                "strong>",
                "/strong>",
                "code",
                "/code>",
                "a target=\"_blank\" rel=",
                "/a>",
                "blockquote>",
                "/blockquote>",
            ];
            assert!(tags.iter().all(|tag| ours.iter().any(|ours| tag.starts_with(ours))), "{html}");
            assert!(!html.contains("<b>") && !html.contains("\"onmouse"), "{html}");
        }
    }

    #[test]
    fn a_few_emoji_alone_are_large() {
        for large in ["👍", "🎉🎉🎉", "👩‍👩‍👧", "🇮🇹🇬🇧", "❤️", " 👍🏽 "] {
            assert!(is_large(large), "{large}");
        }
        for small in ["", "ok", "👍👍👍👍", "👍!", "7", "\u{200d}"] {
            assert!(!is_large(small), "{small}");
        }
    }

    /// What stands in HTML as text, breaks as line ends; panics where a tag is not closed by its like.
    fn read_back(html: &str) -> String {
        let (mut text, mut open, mut rest) = (String::new(), Vec::new(), html);
        while let Some((before, after)) = rest.split_once('<') {
            text.push_str(before);
            let (tag, behind) = after.split_once('>').unwrap();
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "{html}"),
                None if tag == "br" => text.push('\n'),
                None => open.push(tag.split(' ').next().unwrap()),
            }
            rest = behind;
        }
        assert_eq!(open, Vec::<&str>::new(), "{html}");
        text.push_str(rest);
        let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
        plain.iter().fold(text, |text, (escaped, plain)| text.replace(escaped, plain))
    }

    proptest! {
        #[test]
        fn every_tag_is_closed_and_no_letter_is_lost(text in "[-*_~`>a-c1. \n<&\"'h:/tps]{0,60}") {
            let shown = read_back(&html(&text));
            let letters = |text: &str| -> String { text.chars().filter(|c| "abc<&\"'htps:".contains(*c)).collect() };
            prop_assert_eq!(letters(&shown), letters(&text));
        }

        #[test]
        fn any_text_can_be_shown(text in any::<String>()) {
            read_back(&html(&text));
            preview(&text, 40);
            is_large(&text);
        }
    }
}
