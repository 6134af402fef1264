//! A byte for each line, however many there are.

const CHUNK: usize = 4096;

/// A byte for each number; 0 where nothing was set.
///
/// Numbers are set in no order, but lie close together. Stretches without any cost nothing but a pointer, so that a
/// file of blank lines does not either.
#[derive(Debug, Default)]
pub(super) struct Marks(Vec<Option<Box<[u8; CHUNK]>>>);

impl Marks {
    /// The mark of a number.
    pub(super) fn get(&self, number: u64) -> u8 {
        let (chunk, at) = place(number);
        self.0.get(chunk).and_then(Option::as_ref).map_or(0, |chunk| chunk[at])
    }

    /// Marks a number that was opened, so that it is within what was read.
    pub(super) fn set(&mut self, number: u64, mark: u8) {
        let (chunk, at) = place(number);
        if self.0.len() <= chunk {
            self.0.resize_with(chunk + 1, || None);
        }
        self.0[chunk].get_or_insert_with(|| Box::new([0; CHUNK]))[at] = mark;
    }
}

fn place(number: u64) -> (usize, usize) {
    // Lines are counted by a `u64` for the arithmetic's sake; their number fits into memory's width.
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    (number / CHUNK, number % CHUNK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_far_apart_are_kept_apart() {
        let mut marks = Marks::default();
        for (number, mark) in [(5_000_000, 3), (1, 1), (4_095, 2), (4_096, 4)] {
            assert_eq!(marks.get(number), 0);
            marks.set(number, mark);
            assert_eq!(marks.get(number), mark);
        }
        assert_eq!(marks.0.iter().flatten().count(), 3);
        assert_eq!(marks.get(u64::MAX), 0);
    }
}
