//! How texts are written: patterns that editors check while one types. What they let through, the reader still judges.

/// What a text looks like.
#[derive(Debug, PartialEq, Eq)]
pub struct Form {
    /// In words, as in "a path".
    pub name: &'static str,
    /// A regular expression that it matches, in what ECMAScript and Rust have in common.
    pub pattern: &'static str,
    /// One that it does not match; empty where there is none.
    pub never: &'static str,
}

const fn form(name: &'static str, pattern: &'static str) -> Form {
    Form { name, pattern, never: "" }
}

/// Goes up.
const UP: &str = r"(^|/)\.\.(/|$)";

pub(super) static LINE: Form = form("a line", r"^[^\x00-\x1f\x7f]*$");
pub(super) static TEXT: Form = form("a text", "");
pub(super) static NOT_BLANK: Form = form("a text", r"[^ \t]");
pub(super) static USER: Form = form("`dynamic`, `root` or the name of a system user", "^[a-z_][a-z0-9_-]{0,30}$");
pub(super) static LISTEN: Form = form(
    "`tcp:PORT`, `tcp:FIRST-LAST`, `tcp:ADDRESS:PORT`, `udp:…` or `unix:/PATH`",
    r"^((tcp|udp):((\[[0-9A-Fa-f:.]+\]|[0-9.]+):)?[0-9]{1,5}(-[0-9]{1,5})?|unix:/.+)$",
);
pub(super) static PATH: Form = Form {
    name: "an absolute path, in which systemd's specifiers hold",
    pattern: r"^(/|%[tSCLETVdh](/|$))",
    never: UP,
};
pub(super) static LITERAL_PATH: Form = Form { name: "an absolute path", pattern: "^/", never: UP };
pub(super) static SOCKET: Form = Form { name: "an absolute path", pattern: "^/[^%]+$", never: UP };
pub(super) static DEVICE: Form =
    form("a node below /dev, or a class as in `char-usb_device`", r"^(/dev/[^ \t]+|(char|block)-[^ \t]+)$");
pub(super) static CREDENTIAL: Form =
    Form { name: "`NAME` or `NAME:/PATH`", pattern: "^[^/:]+(:(/|%).*)?$", never: r"^\.\.?(:|$)" };
pub(super) static CALENDAR: Form = form("a calendar expression, systemd.time(7)", "^[A-Za-z0-9 *:.,/~+_-]+$");
pub(super) static SPAN: Form = form("a time span, as in `10s` or `1h 30min`", "^ *([0-9]+ *[A-Za-z]+ *)+$");
pub(super) static HTTP: Form = form("`http://HOST[:PORT][/PATH]`", "^http://[!-~]+$");
pub(super) static HOST_PORT: Form = form("`HOST:PORT`", r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$");
pub(super) static ADDRESS_PORT: Form = form("`ADDRESS:PORT`", r"^(\[[0-9A-Fa-f:.]+\]|[0-9.]+):[0-9]{1,5}$");

/// The name of a unit, without its suffix.
pub static UNIT_NAME: Form = Form {
    name: "the name of a unit, without its suffix",
    pattern: "^[A-Za-z0-9:_-][A-Za-z0-9:_.-]{0,199}$",
    never: r"\.(service|socket|timer)$",
};
/// A network, or a single address.
pub static NETWORK: Form = form("an address, or a network as in `10.0.0.0/8`", "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$");
/// The name of a directory below one of systemd's.
pub static BELOW: Form =
    Form { name: "the name of a directory", pattern: "^[^/:][^:]*$", never: r"(^|/)\.\.(/|$)|^private(/|$)" };
/// The name of a directive.
pub static DIRECTIVE: Form = form("the name of a directive", "^[A-Za-z][A-Za-z0-9-]*$");
