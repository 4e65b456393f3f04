//! Words and names: units, users, needs, capabilities, credentials, and the words of a closed list.

use super::path;
use super::problem::{Problem, nearest};
use crate::capability::CAPABILITIES;
use crate::need::{NEEDS, Need};
use crate::spec::User;

/// The grammar of a word from a closed list.
pub(super) fn choice<T: Copy>(kind: &str, all: &[(&'static str, T)]) -> impl Fn(&str) -> Result<T, Problem> {
    move |word| {
        let found = all.iter().find(|(name, _)| *name == word);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
            Problem::unknown(kind, word, &names)
        })
    }
}

/// The longest name that leaves room for `.service` and for the names that are made from it.
const UNIT_NAME_MAX: usize = 200;

/// The name of a unit without its suffix.
pub(super) fn unit(name: &str) -> Result<(), Problem> {
    let problem = |label: &str| Problem::new(format!("`{}` cannot be the name of a unit", name.escape_debug()), label);
    if name.is_empty() {
        return Err(problem("empty"));
    }
    if name.contains('@') {
        return Err(problem("templates are not supported yet").help("leave out the `@`"));
    }
    if let Some(wrong) = name.chars().find(|letter| !letter.is_ascii_alphanumeric() && !":_.-".contains(*letter)) {
        let allowed = "letters, digits and `:`, `_`, `.`, `-` are allowed";
        return Err(problem(&format!("`{}` is not allowed", wrong.escape_debug())).help(allowed));
    }
    if name.starts_with('.') {
        return Err(problem("systemd ignores files whose name begins with a dot").help("begin with a letter"));
    }
    if let Some(stem) = [".service", ".socket", ".timer"].iter().find_map(|suffix| name.strip_suffix(suffix)) {
        return Err(problem("the suffix is added by itself").help(format!("write `{stem}`")));
    }
    if name.len() > UNIT_NAME_MAX {
        return Err(problem("too long").help(format!("at most {UNIT_NAME_MAX} characters")));
    }
    Ok(())
}

/// `dynamic`, `root` or the name of a system user.
pub(super) fn user(word: &str) -> Result<User, Problem> {
    match word {
        "dynamic" => Ok(User::Dynamic),
        "root" => Ok(User::Root),
        name if is_user_name(name) => Ok(User::Static(name.to_owned())),
        name => {
            let message = format!("`{}` is not a valid user name", name.escape_debug());
            let help = format!("\"dynamic\", \"root\", or a name such as \"{}\"", user_name_like(name));
            Err(Problem::new(message, "a-z, 0-9, `_` and `-`, at most 31 characters").help(help))
        }
    }
}

/// Whether every tool that makes users takes this name.
pub(super) fn is_user_name(name: &str) -> bool {
    let tail = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, b'_' | b'-');
    let head = name.bytes().next().is_some_and(|letter| letter.is_ascii_lowercase() || letter == b'_');
    head && name.len() <= 31 && name.bytes().all(tail)
}

/// A valid user name that looks like `name`.
pub(super) fn user_name_like(name: &str) -> String {
    let letter = |letter: char| match letter.to_ascii_lowercase() {
        kept @ ('a'..='z' | '0'..='9' | '_' | '-') => kept,
        _ => '-',
    };
    let mapped: String = name.chars().map(letter).collect();
    let trimmed = mapped.trim_matches(|letter: char| letter == '-' || letter.is_ascii_digit());
    let short: String = trimmed.chars().take(31).collect();
    if is_user_name(&short) { short } else { "hello".to_owned() }
}

/// The name of a need.
pub(super) fn need(word: &str) -> Result<Need, Problem> {
    Need::named(word).ok_or_else(|| {
        let names: Vec<&str> = NEEDS.iter().map(|entry| entry.name).collect();
        Problem::unknown("need", word, &names)
    })
}

/// The name of a capability, as in `CAP_NET_ADMIN`.
pub(super) fn capability(word: &str) -> Result<String, Problem> {
    if CAPABILITIES.contains(&word) {
        return Ok(word.to_owned());
    }
    let full = format!("CAP_{}", word.to_uppercase());
    let full = if CAPABILITIES.contains(&&*full) { &full } else { word };
    let problem = Problem::new(format!("unknown capability `{}`", word.escape_debug()), "not a capability of Linux");
    Err(match nearest(full, CAPABILITIES.iter().copied()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help("capabilities(7) lists them, as in `CAP_NET_ADMIN`"),
    })
}

/// `NAME` or `NAME:/PATH`.
pub(super) fn credential(text: &str) -> Result<String, Problem> {
    let (name, source) = match text.split_once(':') {
        Some((name, source)) => (name, Some(source)),
        None => (text, None),
    };
    if name.is_empty() || name.contains('/') || matches!(name, "." | "..") {
        let message = format!("`{}` does not begin with the name of a credential", text.escape_debug());
        let help = "NAME or NAME:/PATH, as in \"tls.key:/etc/ssl/private/hello.key\"";
        return Err(Problem::new(message, "a name is not empty and has no slash").help(help));
    }
    Ok(match source {
        Some(source) => format!("{name}:{}", path::absolute(source)?),
        None => name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_names() {
        for good in ["hello", "a", "hello-world.1:x_Y", &"x".repeat(200)] {
            assert_eq!(unit(good), Ok(()), "{good}");
        }
        let label = |name: &str| unit(name).expect_err(name).label;
        assert_eq!(label(""), "empty");
        assert_eq!(label("a@b"), "templates are not supported yet");
        assert_eq!(label("a b"), "` ` is not allowed");
        assert_eq!(label("a/b"), "`/` is not allowed");
        assert_eq!(label("a\nb"), "`\\n` is not allowed");
        assert_eq!(label(".a"), "systemd ignores files whose name begins with a dot");
        assert_eq!(label("a.service"), "the suffix is added by itself");
        assert_eq!(unit("a.timer").expect_err("suffix").help.as_deref(), Some("write `a`"));
        assert_eq!(label(&"x".repeat(201)), "too long");
    }

    #[test]
    fn users() {
        assert_eq!(user("dynamic"), Ok(User::Dynamic));
        assert_eq!(user("root"), Ok(User::Root));
        for good in ["hello", "_h", "h-1_2", &"x".repeat(31)] {
            assert_eq!(user(good), Ok(User::Static(good.to_owned())));
        }
        for bad in ["", "1a", "-a", "Hello", "a b", "a.b", "é", "a$", &"x".repeat(32)] {
            assert!(user(bad).is_err(), "{bad}");
        }
        let problem = user("My Service").expect_err("blank");
        assert_eq!(problem.message, "`My Service` is not a valid user name");
        assert_eq!(problem.help.as_deref(), Some("\"dynamic\", \"root\", or a name such as \"my-service\""));
        assert_eq!(user_name_like("42"), "hello");
    }

    #[test]
    fn needs() {
        assert_eq!(need("jit").map(Need::name), Ok("jit"));
        let problem = need("subproceses").expect_err("misspelt");
        assert_eq!((&*problem.message, &*problem.label), ("unknown need `subproceses`", "not a need"));
        let help = problem.help.expect("help");
        assert!(help.starts_with("did you mean `subprocesses`? One of: async-io, "), "{help}");
        assert!(NEEDS.iter().all(|entry| help.contains(entry.name)));
        assert!(need("xyzzy").expect_err("far").help.expect("help").starts_with("one of: async-io, "));
    }

    #[test]
    fn capabilities() {
        assert_eq!(capability("CAP_NET_ADMIN").as_deref(), Ok("CAP_NET_ADMIN"));
        for near in ["NET_ADMIN", "cap_net_admin", "net_admin", "CAP_NET_ADMN"] {
            let help = capability(near).expect_err(near).help;
            assert_eq!(help.as_deref(), Some("did you mean `CAP_NET_ADMIN`?"), "{near}");
        }
        assert!(capability("banana").expect_err("far").help.expect("help").starts_with("capabilities(7)"));
    }

    #[test]
    fn credentials() {
        assert_eq!(credential("tls.key").as_deref(), Ok("tls.key"));
        assert_eq!(credential("tls.key:/etc/ssl//k").as_deref(), Ok("tls.key:/etc/ssl/k"));
        for bad in ["", ":/x", "a/b", "..", "/etc/ssl/k", "a:", "a:b", "a:/x/../y"] {
            assert!(credential(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_choice_names_what_there_is() {
        let grammar = choice("size", &[("small", 1), ("large", 2)]);
        assert_eq!(grammar("large"), Ok(2));
        let problem = grammar("larg").expect_err("misspelt");
        assert_eq!(problem.message, "unknown size `larg`");
        assert_eq!(problem.help.as_deref(), Some("did you mean `large`? One of: small, large"));
    }
}
