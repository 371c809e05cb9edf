//! Pictures that are saved anew, and what a check says of them before and after.

use sabir::dialect;
use sabir::media::check::{self, Code, Facts, Inspection, Question, Repair, Verdict, Weight};
use sabir::media::repair::{Recipe, picture};
use sabir::model::{MediaFormat, MediaKind};

use crate::{inspect as inspect_in, read};

/// WhatsApp's limit for pictures.
const LIMIT: u64 = 5_000_000;

fn question(dialect: &str, repair: Repair) -> Question<'static> {
    Question { repair, ..Question::new(MediaKind::Image, dialect::named(dialect).unwrap().media_promise()) }
}

/// What becomes of a file, with what is found in the result.
fn mended(file: &str) -> (Inspection, Inspection) {
    let bytes = read(file);
    let before = inspect(&bytes);
    let after = picture::save_anew(&bytes, before.format, LIMIT).unwrap_or_else(|why| panic!("{file}: {why}"));
    (before, inspect(&after))
}

fn inspect(file: &[u8]) -> Inspection {
    inspect_in(file, 64 * 1024)
}

fn sides(inspection: &Inspection) -> (u32, u32) {
    let Facts::Picture(picture) = &inspection.facts else { panic!("{inspection:?}") };
    (picture.width, picture.height)
}

#[test]
fn pictures_of_other_colours_and_depths_are_accepted_once_they_are_mended() {
    for file in [
        "invalid/image_webp_as_image.webp",
        "invalid/image_cmyk.jpg",
        "invalid/image_16bit_rgb.png",
        "invalid/image_1bit.png",
        "invalid/image_palette8.png",
        "invalid/image_gray.jpg",
    ] {
        let (before, after) = mended(file);
        let foreseen = check::check(&before, &question("cloud", Repair::All));
        assert_eq!((foreseen.verdict, foreseen.recipe), (Verdict::Accept, Some(Recipe::Picture)), "{file}");
        assert_eq!(foreseen.codes(|_| true), [Code::ImageRepaired], "{file}");
        let report = check::check(&after, &question("cloud", Repair::Off));
        assert_eq!(report.verdict, Verdict::Accept, "{file}: {report:?}");
        assert_eq!(sides(&after), sides(&before), "{file}");
    }
}

#[test]
fn a_promised_webp_becomes_a_png_where_it_is_transparent_and_a_jpeg_where_not() {
    let formats = ["invalid/image_webp_as_image.webp", "valid/sticker_static_lossy_alpha_512.webp"]
        .map(|file| (file, mended(file).1.format));
    for (file, format) in formats {
        let Facts::Picture(picture) = inspect(&read(file)).facts else { panic!("{file}") };
        let expected = if picture.color == check::Color::Rgba { MediaFormat::Png } else { MediaFormat::Jpeg };
        assert_eq!(format, expected, "{file}");
    }
}

#[test]
fn each_setting_mends_what_it_says() {
    let webp = inspect(&read("invalid/image_webp_as_image.webp"));
    let cmyk = inspect(&read("invalid/image_cmyk.jpg"));
    let moving = inspect(&read("invalid/image_webp_animated.webp"));
    let recipe = |inspection, dialect, repair| check::check(inspection, &question(dialect, repair)).recipe;
    assert_eq!(recipe(&webp, "aisoule", Repair::Promised), Some(Recipe::Picture));
    assert_eq!(recipe(&webp, "cloud", Repair::Promised), None);
    assert_eq!(recipe(&webp, "channel-request", Repair::All), Some(Recipe::Picture));
    assert_eq!(recipe(&webp, "aisoule", Repair::Off), None);
    assert_eq!(recipe(&cmyk, "aisoule", Repair::Promised), None);
    assert_eq!(recipe(&cmyk, "aisoule", Repair::All), Some(Recipe::Picture));
    assert_eq!(recipe(&moving, "aisoule", Repair::All), None);
}

#[test]
fn what_cannot_be_decoded_or_is_too_large_is_said_so() {
    let why = |bytes: &[u8], format| picture::save_anew(bytes, format, LIMIT).unwrap_err().to_string();
    let cut = &read("invalid/image_webp_as_image.webp")[..200];
    assert_eq!(why(cut, MediaFormat::Webp), "it cannot be decoded");
    assert!(
        why(&read("invalid/image_dimension_bomb.png"), MediaFormat::Png).contains("at most 25000000 are converted")
    );
    assert!(why(b"GIF89a", MediaFormat::Gif).contains("none of the pictures"));
}

#[test]
fn a_picture_is_turned_upright() {
    let upright = mended("valid/image_exif_orientation6.jpg");
    let (width, height) = sides(&upright.0);
    assert_eq!(sides(&upright.1), (height, width));
    let report = check::check(&upright.1, &question("cloud", Repair::Off));
    assert!(report.codes(|weight| weight >= Weight::Note).is_empty(), "{report:?}");
}
