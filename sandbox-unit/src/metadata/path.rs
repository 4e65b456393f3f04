//! Paths: absolute ones, the names below systemd's own directories, and device nodes.

use super::problem::Problem;

/// The specifiers that stand for a directory: `%S/hello` is as absolute as `/var/lib/hello`.
const DIRECTORY_SPECIFIERS: &str = "tSCLETVdh";

/// Every letter that systemd knows after `%`; any other stops the unit from loading.
const SPECIFIERS: &str = "nNpPiIjJfyYtSCLEDdTVhsuUgGabmHlqvowWABMcrR";

/// An absolute path without `..`, with single slashes and none at its end.
pub(super) fn absolute(path: &str) -> Result<String, Problem> {
    let problem = |label: &str| Problem::new(format!("`{}` is not a valid path", path.escape_debug()), label);
    let specifier = path.strip_prefix('%').and_then(|rest| rest.chars().next());
    if !path.starts_with('/') && !specifier.is_some_and(|letter| DIRECTORY_SPECIFIERS.contains(letter)) {
        return Err(problem("not absolute").help("begin with `/`, or with a specifier such as `%S` for /var/lib"));
    }
    if specifier.is_some() && !matches!(path.as_bytes().get(2), None | Some(b'/')) {
        return Err(problem("no slash after the specifier").help("put a `/` behind it, as in `%S/hello`"));
    }
    specifiers(path)?;
    let parts = parts(path).ok_or_else(|| problem("goes up with `..`").help("write the path that is meant"))?;
    let root = if path.starts_with('/') { "/" } else { "" };
    Ok(format!("{root}{}", parts.join("/")))
}

/// An absolute path in which `%` is a percent sign, because it is not for a unit file.
pub(super) fn literal(path: &str) -> Result<String, Problem> {
    let problem = |label: &str| Problem::new(format!("`{}` is not a valid path", path.escape_debug()), label);
    if !path.starts_with('/') {
        return Err(problem("not absolute").help("begin with `/`; specifiers have no meaning here"));
    }
    let parts = parts(path).ok_or_else(|| problem("goes up with `..`").help("write the path that is meant"))?;
    Ok(format!("/{}", parts.join("/")))
}

/// What stands between the slashes; nothing if the path goes up.
fn parts(path: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    (!parts.contains(&"..")).then_some(parts)
}

/// The path of a socket in the file system.
pub(super) fn socket(path: &str) -> Result<String, Problem> {
    /// `sockaddr_un.sun_path` without its final zero.
    const LONGEST: usize = 107;
    let problem = |label: &str| Problem::new(format!("`{}` is not a valid socket path", path.escape_debug()), label);
    if path.starts_with('@') {
        let help = "anybody can take an abstract name; put the socket below /run, as in `unix:/run/hello/hello.sock`";
        return Err(problem("abstract sockets have no access control").help(help));
    }
    if !path.starts_with('/') {
        return Err(problem("not absolute").help("as in `unix:/run/hello/hello.sock`"));
    }
    if path.contains('%') {
        return Err(problem("specifiers have no meaning here").help("write the path itself"));
    }
    let path = absolute(path)?;
    if path == "/" {
        return Err(problem("the root directory").help("as in `unix:/run/hello/hello.sock`"));
    }
    if path.len() > LONGEST {
        return Err(problem("too long").help(format!("Linux takes at most {LONGEST} bytes")));
    }
    Ok(path)
}

/// The name of a directory below /var/lib, /var/cache, /var/log, /run or /etc.
pub(super) fn below(name: &str) -> Result<String, Problem> {
    let problem = |label: &str| Problem::new(format!("`{}` cannot be created", name.escape_debug()), label);
    if name.starts_with('/') {
        return Err(problem("not relative").help("write what follows /var/lib, /var/cache, /var/log, /run or /etc"));
    }
    if name.contains(':') {
        return Err(
            problem("systemd takes what follows a colon for a symbolic link").help("name the directory without `:`")
        );
    }
    specifiers(name)?;
    let parts = parts(name).ok_or_else(|| problem("goes up with `..`").help("write the path that is meant"))?;
    match parts.first() {
        None => Err(problem("empty")),
        Some(&"private") => Err(problem("systemd keeps this name for itself")),
        Some(_) => Ok(parts.join("/")),
    }
}

/// A node below /dev, or a class of devices as /proc/devices names them.
pub(super) fn device(text: &str) -> Result<String, Problem> {
    let problem = |label: &str| Problem::new(format!("`{}` is not a device", text.escape_debug()), label);
    let help = "a node such as \"/dev/ttyUSB0\", or a class such as \"char-usb_device\" or \"block-loop\"";
    if text.contains(char::is_whitespace) {
        return Err(problem("holds a blank").help("name the device alone, without access rights"));
    }
    if ["char-", "block-"].iter().any(|class| text.strip_prefix(class).is_some_and(|name| !name.is_empty())) {
        return specifiers(text).map(|()| text.to_owned());
    }
    if !text.starts_with("/dev/") {
        return Err(problem("neither below /dev nor a class").help(help));
    }
    match absolute(text)? {
        path if path.starts_with("/dev/") => Ok(path),
        _ => Err(problem("names no device").help(help)),
    }
}

/// That every `%` begins a specifier that systemd knows.
pub(super) fn specifiers(text: &str) -> Result<(), Problem> {
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            continue;
        }
        // systemd takes `%` before anything but a letter or a digit as it stands.
        let Some(next) = letters.clone().next().filter(|next| next.is_ascii_alphanumeric() || *next == '%') else {
            continue;
        };
        if next != '%' && !SPECIFIERS.contains(next) {
            let message = format!("`{}` holds `%{next}`, which systemd does not know", text.escape_debug());
            let help = format!("write `%%{next}` for a percent sign; systemd.unit(5) lists the specifiers");
            return Err(Problem::new(message, "the unit would not load").help(help));
        }
        letters.next();
    }
    Ok(())
}

/// An argument: anything whose specifiers are known.
pub(super) fn argument(text: &str) -> Result<String, Problem> {
    specifiers(text).map(|()| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label<T: std::fmt::Debug>(result: Result<T, Problem>) -> String {
        result.expect_err("should be refused").label
    }

    #[test]
    fn absolute_paths_come_out_in_one_form() {
        for (written, meant) in [
            ("/", "/"),
            ("/srv/www", "/srv/www"),
            ("//srv/./www//", "/srv/www"),
            ("/srv/a b", "/srv/a b"),
            ("/srv/...", "/srv/..."),
            ("%S/hello/", "%S/hello"),
            ("%t", "%t"),
            ("/run/user/%U", "/run/user/%U"),
        ] {
            assert_eq!(absolute(written).as_deref(), Ok(meant), "{written}");
        }
        for bad in ["", "srv", "./srv", "-/srv", "~/x", "%", "%%/x", "%n/x", "%q"] {
            assert_eq!(label(absolute(bad)), "not absolute", "{bad}");
        }
        assert_eq!(label(absolute("/srv/../etc")), "goes up with `..`");
        assert_eq!(label(absolute("%S/..")), "goes up with `..`");
        assert_eq!(label(absolute("%Shello")), "no slash after the specifier");
        assert_eq!(label(absolute("%té")), "no slash after the specifier");
        assert_eq!(label(absolute("/srv/%z")), "the unit would not load");
    }

    #[test]
    fn literal_paths_have_no_specifiers() {
        assert_eq!(literal("/srv//100%z/").as_deref(), Ok("/srv/100%z"));
        assert_eq!(label(literal("%S/x")), "not absolute");
        assert_eq!(label(literal("/a/../b")), "goes up with `..`");
    }

    #[test]
    fn sockets() {
        assert_eq!(socket("/run/hello//hello.sock").as_deref(), Ok("/run/hello/hello.sock"));
        assert_eq!(label(socket("@hello")), "abstract sockets have no access control");
        assert_eq!(label(socket("run/x")), "not absolute");
        assert_eq!(label(socket("%t/x")), "not absolute");
        assert_eq!(label(socket("/run/%n")), "specifiers have no meaning here");
        assert_eq!(label(socket("/")), "the root directory");
        assert_eq!(label(socket(&format!("/{}", "x".repeat(107)))), "too long");
        assert!(socket(&format!("/{}", "x".repeat(106))).is_ok());
    }

    #[test]
    fn directories_below() {
        assert_eq!(below("hello").as_deref(), Ok("hello"));
        assert_eq!(below("hello//db/").as_deref(), Ok("hello/db"));
        assert_eq!(label(below("/var/lib/hello")), "not relative");
        assert_eq!(label(below("")), "empty");
        assert_eq!(label(below(".")), "empty");
        assert_eq!(label(below("hello/../x")), "goes up with `..`");
        assert_eq!(label(below("..")), "goes up with `..`");
        assert_eq!(label(below("private/x")), "systemd keeps this name for itself");
        assert!(below("a:b").is_err());
    }

    #[test]
    fn devices() {
        for good in ["/dev/null", "/dev/bus/usb", "char-usb_device", "block-loop", "char-*"] {
            assert_eq!(device(good).as_deref(), Ok(good));
        }
        assert_eq!(label(device("/dev/ttyS0 rw")), "holds a blank");
        assert_eq!(label(device("ttyS0")), "neither below /dev nor a class");
        assert_eq!(label(device("/etc/x")), "neither below /dev nor a class");
        assert_eq!(label(device("char-")), "neither below /dev nor a class");
        assert_eq!(label(device("/dev/")), "names no device");
        assert_eq!(label(device("/dev/../etc")), "goes up with `..`");
    }

    #[test]
    fn specifiers_that_systemd_does_not_know_are_refused() {
        for good in ["", "100%", "%%", "%%z", "%E/x", "a % b", "%-", "50%é"] {
            assert_eq!(argument(good).as_deref(), Ok(good));
        }
        let problem = argument("--format=%x").expect_err("unknown");
        assert_eq!(problem.message, "`--format=%x` holds `%x`, which systemd does not know");
        assert_eq!(
            problem.help.as_deref(),
            Some("write `%%x` for a percent sign; systemd.unit(5) lists the specifiers")
        );
        assert!(argument("%9").is_err());
        assert!(argument("%%%9").is_err());
    }
}
