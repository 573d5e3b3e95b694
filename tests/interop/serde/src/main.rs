//! Every form that serde's derive and rmp_serde write, and prost's maps, with random values.
//!
//!   forms write SEED COUNT   prints "form hex" for so many values of each form
//!   forms read               reads such lines, and prints each value as it writes it again

mod random;
mod types;

use std::io::{BufRead, Write};

use random::Rng;
use types::Form;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let forms = types::forms();
    match *words {
        ["write", seed, count] => write(&forms, number(seed), number(count)),
        ["read"] => read(&forms),
        _ => panic!("forms write SEED COUNT, or forms read"),
    }
}

fn number(word: &str) -> u64 {
    word.parse().expect("a number")
}

fn write(forms: &[Form], seed: u64, count: u64) {
    let mut out = std::io::stdout().lock();
    let mut rng = Rng::new(seed);
    for form in forms {
        for _ in 0..count {
            writeln!(out, "{} {}", form.name, hex(&(form.make)(&mut rng))).expect("written");
        }
    }
}

fn read(forms: &[Form]) {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let (name, digits) = line.split_once(' ').expect("a form and its bytes");
        let form = forms.iter().find(|form| form.name == name).expect("a form");
        let again = (form.again)(&bytes(digits));
        let said = again.map_or_else(|error| format!("error {error}"), |bytes| hex(&bytes));
        writeln!(out, "{said}").expect("written");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |i: usize| u8::from_str_radix(&hex[i..i + 2], 16).expect("hex");
    (0..hex.len()).step_by(2).map(digit).collect()
}
