//! Lists: what adds up over lines, and what `~` takes away.

use super::name::{is_error, is_status};
use super::{Calls, Line, NAMESPACES, capability_bit, simplified};
use crate::diagnostic::did_you_mean;
use crate::syscall_set::{CallSet, Groups};
use crate::unit::value::{boolean, integer};
use crate::unit::{Splitting, Word, split};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Address families: their names, with those that mean the same behind them.
pub static FAMILIES: &[&[&str]] = &[
    &["AF_UNIX", "AF_LOCAL", "AF_FILE"],
    &["AF_INET"],
    &["AF_AX25"],
    &["AF_IPX"],
    &["AF_APPLETALK"],
    &["AF_NETROM"],
    &["AF_BRIDGE"],
    &["AF_ATMPVC"],
    &["AF_X25"],
    &["AF_INET6"],
    &["AF_ROSE"],
    &["AF_DECnet"],
    &["AF_NETBEUI"],
    &["AF_SECURITY"],
    &["AF_KEY"],
    &["AF_NETLINK", "AF_ROUTE"],
    &["AF_PACKET"],
    &["AF_ASH"],
    &["AF_ECONET"],
    &["AF_ATMSVC"],
    &["AF_RDS"],
    &["AF_SNA"],
    &["AF_IRDA"],
    &["AF_PPPOX"],
    &["AF_WANPIPE"],
    &["AF_LLC"],
    &["AF_IB"],
    &["AF_MPLS"],
    &["AF_CAN"],
    &["AF_TIPC"],
    &["AF_BLUETOOTH"],
    &["AF_IUCV"],
    &["AF_RXRPC"],
    &["AF_ISDN"],
    &["AF_PHONET"],
    &["AF_IEEE802154"],
    &["AF_CAIF"],
    &["AF_ALG"],
    &["AF_NFC"],
    &["AF_VSOCK"],
    &["AF_KCM"],
    &["AF_QIPCRTR"],
    &["AF_SMC"],
    &["AF_XDP"],
    &["AF_MCTP"],
];

/// Architectures that `SystemCallArchitectures=` takes.
static ARCHITECTURES: &[&str] = &[
    "native",
    "x86",
    "x86-64",
    "x32",
    "arm",
    "arm64",
    "loongarch64",
    "mips",
    "mips64",
    "mips64-n32",
    "mips-le",
    "mips64-le",
    "mips64-le-n32",
    "parisc",
    "parisc64",
    "ppc",
    "ppc64",
    "ppc64-le",
    "riscv64",
    "s390",
    "s390x",
];

/// Controllers that `Delegate=` takes.
static CONTROLLERS: &[&str] = &[
    "cpu",
    "cpuacct",
    "cpuset",
    "io",
    "blkio",
    "memory",
    "devices",
    "pids",
    "bpf-firewall",
    "bpf-devices",
    "bpf-foreign",
    "bpf-socket-bind",
    "bpf-restrict-network-interfaces",
    "bpf-bind-network-interface",
];

/// A set of address families.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Families {
    /// Whether the set is what is allowed; else it is what is refused.
    pub allow: bool,
    /// The families, each by its first name.
    pub set: BTreeSet<&'static str>,
    /// Whether the next line starts afresh, as behind `none`.
    pub restarts: bool,
}

/// A value without the `~` in front, whether there was one, and how many bytes that was.
fn inverted(text: &str) -> (bool, &str, usize) {
    text.strip_prefix('~').map_or((false, text, 0), |rest| (true, rest, 1))
}

fn moved(span: &Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}

/// The words of a value from `offset` on; the first fault ends them, and is noted.
fn each(line: &mut Line, offset: usize, splitting: Splitting, mut take: impl FnMut(&mut Line, Word)) {
    let text = line.text;
    for word in split(text.get(offset..).unwrap_or_default(), splitting) {
        match word {
            Ok(word) => take(line, Word { span: moved(&word.span, offset), ..word }),
            Err(error) => line.skip(offset..text.len(), error.to_string()),
        }
    }
}

pub(super) fn capabilities(set: &mut u64, name: &str, line: &mut Line) {
    let (invert, rest, offset) = inverted(line.text);
    let mut sum = 0;
    // The highest number that a capability can have, known or not.
    let limit = if line.version() < 254 { 63 } else { 62 };
    // A fault in the quoting voids the whole line.
    if let Some(error) = split(rest, Splitting::QUOTED).find_map(Result::err) {
        line.ignore(error.to_string());
        return;
    }
    each(line, offset, Splitting::QUOTED, |line, word| {
        let number = integer(&word.text).filter(|number| *number <= limit).map(|number| 1 << number);
        match number.or_else(|| capability_bit(&word.text)) {
            Some(bit) => sum |= bit,
            None => line.skip(word.span, format!("`{}` is not a capability", word.text)),
        }
    });
    let initial = if name == "CapabilityBoundingSet" { u64::MAX } else { 0 };
    // Measured: up to 257 a set of all is as good as untouched, so that the next line replaces it; in 262 it is not.
    let all = if line.version() >= 258 { u64::MAX >> 1 } else { u64::MAX };
    if sum == 0 || *set == initial {
        *set = if invert { all & !sum } else { sum };
    } else if invert {
        *set &= !sum;
    } else {
        *set |= sum;
    }
}

pub(super) fn namespaces(set: &mut Option<u8>, line: &mut Line) {
    match namespaces_after(*set, line.text) {
        Some(after) => *set = after,
        None => {
            line.ignore(format!("`{}` holds a word that is no kind of namespace, which voids the line", line.text));
        }
    }
}

/// The kinds of namespaces that may be made behind one more line of `RestrictNamespaces=`, a bit each in the order of
/// [`NAMESPACES`], where `None` restricts nothing; nothing where the line is void.
pub fn namespaces_after(set: Option<u8>, line: &str) -> Option<Option<u8>> {
    if line.is_empty() {
        return Some(None);
    }
    match boolean(line) {
        Some(true) => return Some(Some(0)),
        Some(false) => return Some(Some(u8::MAX)),
        None => {}
    }
    // Behind `~` a boolean is a word that is no kind of namespace.
    let (invert, rest, _) = inverted(line);
    let mut flags = 0;
    for word in split(rest, Splitting::PLAIN) {
        let word = word.ok()?;
        flags |= 1 << NAMESPACES.iter().position(|kind| *kind == word.text)?;
    }
    Some(Some(match set {
        None if invert => !flags,
        None => flags,
        Some(present) if invert => present & !flags,
        Some(present) => present | flags,
    }))
}

pub(super) fn families(families: &mut Option<Families>, line: &mut Line) {
    match line.text {
        "" => return *families = None,
        "none" => return *families = Some(Families { allow: true, set: BTreeSet::new(), restarts: true }),
        _ => {}
    }
    let (invert, _, offset) = inverted(line.text);
    if families.as_ref().is_some_and(|present| present.restarts) {
        *families = None;
    }
    let fresh = || Families { allow: !invert, set: BTreeSet::new(), restarts: false };
    let present = families.get_or_insert_with(fresh);
    let allow = present.allow;
    let set = &mut present.set;
    let mut voided = false;
    each(line, offset, Splitting::QUOTED, |line, word| {
        let mut names = FAMILIES.iter().filter(|names| names.iter().any(|name| name.eq_ignore_ascii_case(&word.text)));
        match names.next().and_then(|names| names.first()).filter(|_| !voided) {
            Some(name) if invert != allow => _ = set.insert(name),
            Some(name) => _ = set.remove(name),
            None if voided => {
                line.skip(word.span, "a word in front of it is not an address family, which ends the line")
            }
            None => {
                // Measured: 262 skips the rest of the line with such a word, 257 the word alone.
                voided = line.version() >= 258;
                line.skip(word.span, format!("`{}` is not an address family", word.text));
            }
        }
    });
}

pub(super) fn calls(calls: &mut Option<Box<Calls>>, groups: &Groups, line: &mut Line) {
    if line.text.is_empty() {
        return *calls = None;
    }
    let (invert, _, offset) = inverted(line.text);
    let present = calls.get_or_insert_with(|| {
        let set = if invert { CallSet::default() } else { groups.set("@default").unwrap_or_default() };
        Box::new(Calls { allow: !invert, set })
    });
    each(line, offset, Splitting::PLAIN, |line, word| {
        let (name, action) =
            word.text.split_once(':').map_or((word.text.as_str(), None), |(name, action)| (name, Some(action)));
        if let Some(action) = action {
            if !is_errno(action) {
                return line.skip(word.span, format!("`{action}` is not the name of an error"));
            }
            if !invert {
                return line.skip(word.span, format!("`{name}` is allowed here: it cannot answer an error"));
            }
        }
        let Some(set) = groups.set(name) else {
            let hint =
                did_you_mean(name, groups.names()).map(|known| format!("; did you mean {known}?")).unwrap_or_default();
            let what = if name.starts_with('@') { "group" } else { "system call" };
            return line.skip(word.span, format!("`{name}` is not a {what} that is known{hint}"));
        };
        if invert == present.allow {
            present.set.remove(&set);
        } else {
            present.set.add(&set);
        }
    });
}

/// Whether `:ACTION` behind a call is one: an error's name or number, or `kill`.
fn is_errno(action: &str) -> bool {
    action == "kill" || is_error(action) || integer(action).is_some_and(|number| number <= 4095)
}

pub(super) fn architectures(set: &mut BTreeSet<String>, line: &mut Line) {
    if line.text.is_empty() {
        return set.clear();
    }
    each(line, 0, Splitting::QUOTED, |line, word| {
        // Measured: 252 and 254 with libseccomp 2.5 do not know it.
        let too_new = word.text == "loongarch64" && line.version() < 255;
        if ARCHITECTURES.contains(&word.text.as_str()) && !too_new {
            set.insert(word.text);
        } else {
            line.skip(word.span, format!("`{}` is not an architecture", word.text));
        }
    });
}

pub(super) fn delegation(flag: &mut bool, line: &mut Line) {
    match boolean(line.text) {
        Some(on) => *flag = on,
        None => {
            if let Some(error) = split(line.text, Splitting::QUOTED).find_map(Result::err) {
                return line.ignore(error.to_string());
            }
            // Whatever it names, a list turns delegation on.
            *flag = true;
            each(line, 0, Splitting::QUOTED, |line, word| {
                if !CONTROLLERS.contains(&word.text.as_str()) {
                    line.skip(word.span, format!("`{}` is not a controller", word.text));
                }
            });
        }
    }
}

pub(super) fn device(devices: &mut Vec<String>, line: &mut Line) {
    if line.text.is_empty() {
        return devices.clear();
    }
    let Some(Ok(word)) = split(line.text, Splitting::QUOTED).next() else {
        return line.ignore("a device is missing");
    };
    let rest = line.text.get(word.span.end..).unwrap_or_default().trim();
    let Ok(path) = line.context.expand(&word.text) else { return line.ignore("a specifier is wrong") };
    let of_class = path.starts_with("block-") || path.starts_with("char-");
    let path = if of_class { Some(path) } else { simplified(&path).filter(|path| is_device(path)) };
    let Some(path) = path else { return line.ignore(format!("`{}` is not a device", word.text)) };
    if !rest.bytes().all(|right| b"rwm".contains(&right)) {
        return line.ignore(format!("`{rest}` is not made of r, w and m"));
    }
    devices.push(format!("{path} {rest}").trim_end().to_owned());
}

fn is_device(path: &str) -> bool {
    ["/dev", "/run/systemd/inaccessible"]
        .iter()
        .any(|top| path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

pub(super) fn credential(held: &mut BTreeMap<String, bool>, name: &str, line: &mut Line) {
    if line.text.is_empty() {
        return held.clear();
    }
    let (id, source) = line.text.split_once(':').map_or((line.text, None), |(id, source)| (id, Some(source)));
    let load = name.starts_with("Load");
    let expanded = source.filter(|_| load).map(|source| line.context.expand(source)).transpose();
    let (Ok(id), Ok(expanded)) = (line.context.expand(id), expanded) else {
        return line.ignore("a specifier is wrong");
    };
    let named = |id: &str| !id.is_empty() && id.len() <= 255 && !id.contains('/') && id != "." && id != "..";
    let encrypted = name.ends_with("Encrypted");
    let whole = match source {
        _ if load => expanded.is_none_or(|source| source.is_empty() || simplified(&source).is_some() || named(&source)),
        Some(value) if encrypted => is_base64(value),
        Some(_) => true,
        None => false,
    };
    if !named(&id) || !whole {
        return line.ignore(format!("`{}` is not a credential", line.text));
    }
    held.insert(id, encrypted);
}

fn is_base64(text: &str) -> bool {
    let text: String = text.split_ascii_whitespace().collect();
    let digits = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && !digits.is_empty()
        && text.len() - digits.len() <= 2
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// Exit statuses by number or name, and signals.
pub(super) fn statuses(statuses: &mut Vec<String>, line: &mut Line) {
    if line.text.is_empty() {
        return statuses.clear();
    }
    each(line, 0, Splitting::QUOTED, |line, word| {
        if is_status(&word.text) || integer(&word.text).is_some_and(|status| status <= 255) {
            statuses.push(word.text);
        } else {
            line.skip(word.span, format!("`{}` is neither an exit status nor a signal", word.text));
        }
    });
}

pub(super) fn words(items: &mut Vec<String>, line: &mut Line) {
    if line.text.is_empty() {
        return items.clear();
    }
    each(line, 0, Splitting::QUOTED, |_, word| items.push(word.text));
}
