//! Texts of a fixed size, for there is no allocator.

/// A text in the making. What does not fit is left out.
pub struct Text<const SIZE: usize> {
    bytes: [u8; SIZE],
    length: usize,
}

/// The longest path (`PATH_MAX`).
pub const LONGEST: usize = 4096;

/// A path, with what is put before, behind and between its parts.
pub type Path = Text<{ LONGEST + 256 }>;

impl<const SIZE: usize> Text<SIZE> {
    pub fn new() -> Self {
        Self { bytes: [0; SIZE], length: 0 }
    }

    pub fn push(&mut self, bytes: &[u8]) -> &mut Self {
        for byte in bytes {
            if let Some(slot) = self.bytes.get_mut(self.length) {
                *slot = *byte;
                self.length += 1;
            }
        }
        self
    }

    pub fn push_number(&mut self, number: u64) -> &mut Self {
        let mut digits = [0u8; 20];
        let mut first = digits.len();
        let mut rest = number;
        loop {
            first -= 1;
            if let Some(digit) = digits.get_mut(first) {
                *digit = b'0' + (rest % 10) as u8;
            }
            rest /= 10;
            if rest == 0 || first == 0 {
                break;
            }
        }
        self.push(digits.get(first..).unwrap_or_default())
    }

    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    pub fn address(&self) -> i64 {
        self.bytes.as_ptr() as i64
    }
}
