//! A program that brings its own unit: `own-unit --unit > /etc/systemd/system/own-unit.service`.

/// The unit, as it follows from the metadata of this very build.
const UNIT: &str = include_str!(concat!(env!("OUT_DIR"), "/own-unit.service"));

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("--unit") => print!("{UNIT}"),
        _ => println!("{} lines keep this program in its sandbox", lines().count()),
    }
}

/// The settings of the unit.
fn lines() -> impl Iterator<Item = &'static str> {
    UNIT.lines().filter(|line| line.contains('=') && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_the_one_of_the_metadata() {
        assert!(lines().any(|line| line == "MemoryMax=64M"));
        assert!(lines().any(|line| line == "ProtectSystem=strict"));
        assert!(lines().count() > 30);
    }
}
