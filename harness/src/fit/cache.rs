//! `/etc/ld.so.cache`: where `ldconfig` found which shared library. The loader looks there, not into `/etc/ld.so.conf`.

use elf::endian::EndianParse;
use std::collections::HashMap;

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
/// Where the number of entries stands.
const COUNT: usize = 20;
/// Size of what comes before the entries.
const HEADER: usize = 48;
/// Size of an entry: flags, name, path, version, capabilities.
const ENTRY: usize = 24;
/// Where in an entry name and path stand.
const NAME: usize = 4;
const PATH: usize = 8;

/// The paths of each name, the preferred one first. Nothing where the file is none that glibc 2.2 and later could read.
pub(super) fn parse(file: &[u8], endian: impl EndianParse) -> HashMap<String, Vec<String>> {
    let mut paths: HashMap<String, Vec<String>> = HashMap::new();
    // Older formats can stand before it.
    let Some(start) = file.windows(MAGIC.len()).position(|window| window == MAGIC) else { return paths };
    let cache = &file[start..];
    let number = |mut offset: usize| -> Option<usize> {
        endian.parse_u32_at(&mut offset, cache).ok().and_then(|number| usize::try_from(number).ok())
    };
    let text = |offset: usize| -> Option<String> {
        let bytes = cache.get(offset..)?.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    };
    for entry in 0..number(COUNT).unwrap_or(0) {
        let entry = HEADER + entry * ENTRY;
        let (name, path) = (number(entry + NAME).and_then(text), number(entry + PATH).and_then(text));
        let (Some(name), Some(path)) = (name, path) else { break };
        paths.entry(name).or_default().push(path);
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use elf::endian::NativeEndian;

    #[test]
    fn the_cache_of_this_machine_knows_its_c_library() {
        let file = std::fs::read("/etc/ld.so.cache").expect("a system with glibc");
        let paths = parse(&file, NativeEndian);
        let libc = &paths["libc.so.6"];
        assert!(libc.iter().all(|path| path.ends_with("/libc.so.6")), "{libc:?}");
        assert!(libc.iter().any(|path| std::fs::exists(path).is_ok_and(|there| there)), "{libc:?}");
        // Cut off, it has fewer entries, and nothing that stands nowhere.
        let half = parse(&file[..file.len() / 2], NativeEndian);
        assert!(half.len() < paths.len());
        assert!(parse(b"no cache", NativeEndian).is_empty());
    }
}
