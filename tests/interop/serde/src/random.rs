//! Random values from a seed.

pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    pub fn flag(&mut self) -> bool {
        self.below(2) == 0
    }

    /// Numbers of all widths.
    pub fn wide(&mut self) -> u64 {
        let shift = self.below(64);
        self.next() >> shift
    }

    pub fn float(&mut self) -> f64 {
        loop {
            let float = f64::from_bits(self.next());
            if !float.is_nan() {
                return float;
            }
        }
    }

    pub fn char(&mut self) -> char {
        const CHARS: [char; 8] = ['a', 'Z', '0', ' ', 'ß', '世', '🌍', '\u{0}'];
        CHARS[self.below(8) as usize]
    }

    pub fn text(&mut self) -> String {
        let limit = if self.below(20) == 0 { 400 } else { 12 };
        let length = self.below(limit);
        (0..length).map(|_| self.char()).collect()
    }

    /// A name that is not an integer.
    pub fn name(&mut self) -> String {
        let length = 1 + self.below(6);
        (0..length).map(|_| (b'a' + self.below(26) as u8) as char).collect()
    }

    pub fn bytes(&mut self) -> Vec<u8> {
        self.list(|rng| rng.next() as u8)
    }

    pub fn list<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let limit = if self.below(20) == 0 { 300 } else { 6 };
        let length = self.below(limit);
        (0..length).map(|_| make(self)).collect()
    }

    pub fn option<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| make(self))
    }
}
