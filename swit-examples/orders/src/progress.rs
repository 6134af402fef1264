//! The progress bar: on a terminal only, and only once the work takes long.

use std::{
    fs,
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::input::Source;

/// Work that is done sooner shows nothing.
const LONG: Duration = Duration::from_millis(500);

/// A progress bar on standard error that appears when the work takes long.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    since: Instant,
    shown: bool,
}

impl Progress {
    /// A bar for reading this source; none where standard error is no terminal.
    pub fn new(source: &Source) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| bar(source));
        Self { bar, since: Instant::now(), shown: false }
    }

    /// Shows how many bytes were read and how many of the lines read are done.
    pub fn update(&mut self, position: u64, (read, done): (u64, u64)) {
        let Some(bar) = &self.bar else { return };
        if !self.shown {
            if self.since.elapsed() < LONG {
                return;
            }
            bar.set_draw_target(ProgressDrawTarget::stderr());
            self.shown = true;
        }
        bar.set_position(position);
        bar.set_message(format!("{done} of {read} orders read"));
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(source: &Source) -> ProgressBar {
    let size = match source {
        Source::File(path) => fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|file| file.len()),
        Source::Stdin => None,
    };
    let (bar, template) = match size {
        Some(size) => (ProgressBar::new(size), "{wide_bar} {percent:>3} %  {msg}  {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes} read  {msg}"),
    };
    bar.set_draw_target(ProgressDrawTarget::hidden());
    // The templates are constants that the tests go through; the default style is as good as any otherwise.
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_drawn_without_a_terminal_too() {
        for source in [Source::Stdin, Source::File("/no/such".into()), Source::File("Cargo.toml".into())] {
            let mut progress = Progress { bar: Some(bar(&source)), since: Instant::now(), shown: false };
            progress.update(10, (2, 1));
            progress.finish();
        }
        for template in ["{wide_bar} {percent:>3} %  {msg}  {eta} left", "{spinner} {bytes} read  {msg}"] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
