//! Sound and films, encoded anew by an installed ffmpeg: a process of its own, with limits of time and size, that opens
//! nothing but the two files it is given.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;
use tokio::time::timeout;

use super::workshop::Config;
use super::{NotMended, Recipe, SoundTarget};

/// Larger than WhatsApp takes of sound and films by a little, so that what is too large is seen to be.
const MAX_BYTES: &str = "17000000";

/// What each recipe asks of the program.
fn arguments(recipe: Recipe) -> &'static [&'static str] {
    match recipe {
        Recipe::Sound(SoundTarget::Opus) => {
            &["-map", "0:a:0", "-vn", "-ac", "1", "-ar", "48000", "-c:a", "libopus", "-b:a", "32k", "-f", "ogg"]
        }
        Recipe::Sound(SoundTarget::Aac) => &["-map", "0:a:0", "-vn", "-c:a", "aac", "-f", "adts"],
        // H.264 of 4:2:0 has even sides.
        Recipe::Film | Recipe::Picture => &[
            "-map",
            "0:v:0",
            "-map",
            "0:a:0?",
            "-vf",
            "scale=trunc(iw/2)*2:trunc(ih/2)*2",
            "-c:v",
            "libx264",
            "-profile:v",
            "main",
            "-bf",
            "0",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
            "-movflags",
            "+faststart",
            "-f",
            "mp4",
        ],
    }
}

/// Encodes a file into another.
///
/// # Errors
/// Where the program is not installed, takes too long, or cannot do it. Its own words stay out: they may repeat what the
/// file holds.
pub(super) async fn encode(config: &Config, recipe: Recipe, input: &Path, output: &Path) -> Result<(), NotMended> {
    let mut command = Command::new(&config.ffmpeg);
    command.args(["-nostdin", "-hide_banner", "-loglevel", "quiet", "-protocol_whitelist", "file", "-i"]).arg(input);
    command.args(["-map_metadata", "-1", "-fs", MAX_BYTES]).args(arguments(recipe)).arg("-y").arg(output);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    match timeout(config.repair_timeout, command.status()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(_)) => Err(NotMended::new("ffmpeg cannot read it")),
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => Err(NotMended::new("ffmpeg is not installed")),
        Ok(Err(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "ffmpeg could not be started");
            Err(NotMended::unavailable())
        }
        Err(_) => Err(NotMended::new(format!("ffmpeg took longer than {:?}", config.repair_timeout))),
    }
}
