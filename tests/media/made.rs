//! Files made here, of kinds that the corpus lacks.

use sabir::media::check::{self, Question};
use sabir::model::MediaKind::{self, Audio, Document, Image, Video};

use crate::corpus::word;
use crate::{dialects, inspect, read};

/// What becomes of a file of a kind: the verdict and the codes, the strongest first.
fn outcome(file: &[u8], kind: MediaKind, filename: Option<&str>) -> String {
    let inspection = inspect(file, 333);
    let report =
        check::check(&inspection, &Question { filename, ..Question::new(kind, dialects()[0].media_promise()) });
    let codes = report.codes(|_| true);
    let codes = codes.iter().map(|code| format!(" {code}")).collect::<String>();
    format!("{}{codes}", word(report.verdict))
}

fn zip(members: &[(&str, &[u8])], is_streamed: bool) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in members {
        let checksum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(data).to_le_bytes();
        let at = u32::try_from(file.len()).unwrap().to_le_bytes();
        let size = u32::try_from(data.len()).unwrap().to_le_bytes();
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        let flags = [if is_streamed { 8 } else { 0 }, 0];
        let sizes = if is_streamed { [0; 12].to_vec() } else { [checksum, size, size].concat() };
        let header = [b"\x14\0".as_slice(), &flags, b"\0\0\0\0\0\0"].concat();
        file.extend([b"PK\x03\x04".as_slice(), &header, &sizes, &length, b"\0\0", name.as_bytes(), data].concat());
        if is_streamed {
            file.extend([b"PK\x07\x08".as_slice(), &checksum, &size, &size].concat());
        }
        directory.extend([b"PK\x01\x02\x14\0".as_slice(), &header, &checksum, &size, &size, &length].concat());
        directory.extend([&[0; 12], at.as_slice(), name.as_bytes()].concat());
    }
    let count = u16::try_from(members.len()).unwrap().to_le_bytes();
    let [at, size] = [file.len(), directory.len()].map(|it| u32::try_from(it).unwrap().to_le_bytes());
    [file, directory, b"PK\x05\x06\0\0\0\0".to_vec(), [count, count].concat(), [size, at].concat(), vec![0; 2]].concat()
}

const PARTS: &[u8] = b"<Types><Override PartName='/word/document.xml' \
    ContentType='application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml'/></Types>";

#[test]
fn packages_are_read_however_they_were_written() {
    let parts = ("[Content_Types].xml", PARTS);
    let picture = ("word/media/a.jpg", b"PK\x03\x04 PKPK\x01 PPK".as_slice());
    for is_streamed in [false, true] {
        assert_eq!(outcome(&zip(&[parts, picture], is_streamed), Document, None), "accept");
        assert_eq!(outcome(&zip(&[picture, parts], is_streamed), Document, None), "accept");
        let escaping = zip(&[parts, ("../a.txt", b"a")], is_streamed);
        assert_eq!(outcome(&escaping, Document, None), "reject DOC-ZIP-PATH");
        let mut sealed = zip(&[parts], is_streamed);
        let at = sealed.windows(4).position(|it| it == b"PK\x01\x02").unwrap();
        sealed[at + 8] |= 1;
        assert_eq!(outcome(&sealed, Document, None), "reject DOC-OOXML-ENC");
    }
    let bare = zip(&[picture], false);
    assert_eq!(outcome(&bare, Document, Some("a.docx")), "reject DOC-OOXML-MISMATCH NAME-EXT");
    let cut = zip(&[parts, picture], false);
    assert!(outcome(&cut[..cut.len() - 30], Document, None).starts_with("reject TRUNC"));
}

#[test]
fn what_servers_send_instead_of_a_file_is_named() {
    for body in [
        b"\xEF\xBB\xBF \r\n<!-- cdn --><HTML><body>403".as_slice(),
        b"<?xml version=\"1.0\"?><!DOCTYPE html PUBLIC \"-//W3C\"><html>",
        b"<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>",
        b"{\"error\": {\"message\": \"x\"}}",
    ] {
        assert_eq!(outcome(body, Image, None), "reject ERROR-BODY");
        assert_eq!(outcome(body, Document, Some("a.pdf")), "reject ERROR-BODY");
    }
}

#[test]
fn text_is_text_whatever_it_speaks_of() {
    let wide: Vec<u8> = "\u{feff}Grüße".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for text in
        [b"BMW builds cars.".as_slice(), b"It begins with %PDF-1.4, they say.", b"Gr\xFC\xDFe", &wide, b"{ no json }"]
    {
        assert_eq!(outcome(text, Document, Some("a.txt")), "accept");
    }
    assert_eq!(outcome(b"text\x01\x02", Document, None), "reject DOC-NOT-LISTED");
    assert_eq!(outcome(b"a;b\n1;2\n", Document, Some("a.csv")), "reject DOC-NOT-LISTED");
}

#[test]
fn formats_that_phones_do_not_take_are_named() {
    let pictures: [&[u8]; 4] = [b"BM\x46\0\0\0\0\0\0\0", b"II*\0\x08\0\0\0", b"\0\0\0\x1cftypavif\0\0\0\0", b"<svg/>"];
    pictures.iter().for_each(|file| assert_eq!(outcome(file, Image, None), "reject FMT-UNSUPPORTED"));
    let sounds: [&[u8]; 3] = [b"fLaC\0\0\0\x22", b"\x56\xE0\x20\0\0", b"FORM\0\0\0\x10AIFFCOMM"];
    sounds.iter().for_each(|file| assert_eq!(outcome(file, Audio, None), "reject FMT-UNSUPPORTED"));
    assert_eq!(outcome(b"\x1A\x45\xDF\xA3\x93\x42\x82\x88matroska", Video, None), "reject FMT-UNSUPPORTED");
}

#[test]
fn what_follows_the_end_is_told_from_tags() {
    let song = [read("valid/audio_id3.mp3"), b"TAG".to_vec(), vec![b'a'; 125]].concat();
    assert_eq!(outcome(&song, Audio, None), "accept");
    let film = read("valid/video_h264_baseline_aac.mp4");
    assert_eq!(
        outcome(&[&film, b"\x93\x11\x00\x9a\x00\x01\x02\x03\x04".as_slice()].concat(), Video, None),
        "warn TRAILING"
    );
    let archive = read("invalid/doc_archive.zip");
    assert_eq!(outcome(&[film, archive].concat(), Video, None), "warn TRAILING POLYGLOT");
}
