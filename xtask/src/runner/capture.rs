//! Keeps what a test prints, bounded: its beginning and its end.

use std::collections::VecDeque;
use std::io::Read;

/// How much of the beginning, and how much of the end, of a stream is kept, in bytes.
pub const KEPT: usize = 64 * 1024;

/// The beginning and the end of a stream of any length.
#[derive(Default)]
pub struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    dropped: u64,
}

impl Capture {
    /// Takes the next bytes of the stream.
    pub fn push(&mut self, mut bytes: &[u8]) {
        let to_head = bytes.len().min(KEPT - self.head.len());
        self.head.extend_from_slice(&bytes[..to_head]);
        bytes = &bytes[to_head..];
        if bytes.len() > KEPT {
            self.dropped += (bytes.len() - KEPT) as u64;
            bytes = &bytes[bytes.len() - KEPT..];
        }
        let excess = (self.tail.len() + bytes.len()).saturating_sub(KEPT);
        self.tail.drain(..excess);
        self.dropped += excess as u64;
        self.tail.extend(bytes);
    }

    /// Reads a stream to its end, giving each piece to `sink` as it comes.
    pub fn read(mut stream: impl Read, mut sink: impl FnMut(&[u8])) {
        let mut buffer = [0; 8192];
        // A broken pipe ends the stream as well as its end does.
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            sink(&buffer[..length]);
        }
    }

    /// What was kept, with a line in the middle that says how much was not.
    pub fn text(&self) -> String {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        if self.dropped == 0 {
            let whole = [self.head.as_slice(), &tail].concat();
            return String::from_utf8_lossy(&whole).into_owned();
        }
        format!(
            "{}\n[{} bytes left out]\n{}",
            String::from_utf8_lossy(&self.head),
            self.dropped,
            String::from_utf8_lossy(&tail)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_stream_is_kept_whole_however_it_is_cut() {
        let bytes: Vec<u8> = (0..2 * KEPT).map(|position| b'a' + (position % 26) as u8).collect();
        for piece in [1000, KEPT, 2 * KEPT] {
            let mut capture = Capture::default();
            bytes.chunks(piece).for_each(|chunk| capture.push(chunk));
            assert!(capture.text().as_bytes() == bytes, "pieces of {piece} bytes");
        }
    }

    #[test]
    fn a_long_stream_keeps_its_ends_and_counts_the_rest() {
        let mut capture = Capture::default();
        capture.push(b"first");
        capture.push(&vec![b'.'; 3 * KEPT]);
        capture.push(b"last");
        let text = capture.text();
        assert!(text.starts_with("first."));
        assert!(text.ends_with(".last"));
        assert!(text.contains(&format!("[{} bytes left out]", KEPT + "firstlast".len())));
    }
}
