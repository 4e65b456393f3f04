//! Made-up units: good and bad values, resets, negations, order, duplicates, drop-ins, odd syntax.

mod values;

use sandbox_unit::audit::CHECKS;
use sandbox_unit::directive::{DIRECTIVES, Grammar};
use values::{COMMANDS, OTHERS, words_for};

/// A small generator of pseudo-random numbers (xorshift64*), so that a seed tells everything.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next()).unwrap_or(usize::MAX) % bound.max(1)
    }

    fn one_in(&mut self, chance: usize) -> bool {
        self.below(chance) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from.get(self.below(from.len())).copied().unwrap_or_default()
    }

    fn some(&mut self, from: &[&'static str], most: usize) -> Vec<&'static str> {
        (0..self.below(most) + 1).map(|_| self.pick(from)).collect()
    }
}

fn value(random: &mut Random, name: &str, grammar: Grammar) -> String {
    let words = words_for(name, grammar);
    let list = matches!(
        grammar,
        Grammar::Capabilities
            | Grammar::Namespaces
            | Grammar::Families
            | Grammar::Calls
            | Grammar::Architectures
            | Grammar::Addresses
            | Grammar::Users
    );
    if !list {
        return random.pick(words).to_owned();
    }
    if random.one_in(10) {
        return random.pick(&["", "~", "~ ", "none", "~none", "yes", "~yes", "no"]).to_owned();
    }
    let negation = if !matches!(grammar, Grammar::Users) && random.one_in(3) { "~" } else { "" };
    // Mostly names that are right, so that the lists add up to something.
    let chosen = random.some(words, 4);
    format!("{negation}{}", chosen.join(if random.one_in(8) { "\t " } else { " " }))
}

/// Whether a value of this directive is able to keep the unit from loading; such are rare, or nothing would load.
fn is_dangerous(grammar: Grammar) -> bool {
    matches!(
        grammar,
        Grammar::FatalBoolean
            | Grammar::User
            | Grammar::Users
            | Grammar::FatalPath
            | Grammar::ImagePolicy
            | Grammar::WorkingDirectory
            | Grammar::Label
            | Grammar::Command
    )
}

fn line(random: &mut Random) -> String {
    let (name, value) = loop {
        if random.one_in(12) {
            let (name, words) = OTHERS.get(random.below(OTHERS.len())).copied().unwrap_or(("X", &[]));
            if name.starts_with("Exec") && !random.one_in(4) {
                continue;
            }
            break (name, random.pick(words).to_owned());
        }
        let directive = DIRECTIVES[random.below(DIRECTIVES.len())];
        // Every other line is one that the score looks at.
        let scored = CHECKS.iter().any(|check| check.id.starts_with(directive.name));
        if !scored && random.one_in(2) {
            continue;
        }
        if (is_dangerous(directive.values) && !random.one_in(3)) || directive.name.starts_with("Limit") {
            continue;
        }
        break (directive.name, value(random, directive.name, directive.values));
    };
    let mut line = match random.below(16) {
        0 => format!(" {name} = {value}  "),
        1 => format!("{name}={value}\\\n"),
        2 => format!("{name}=\\\n  {value}"),
        3 => format!("{name}={value} \\\n# between\n;too \\\n"),
        4 => format!("{name}\t=\t{value}\r"),
        _ => format!("{name}={value}"),
    };
    if random.one_in(40) {
        line.push_str("\n# a comment \\");
    }
    line + "\n"
}

fn unit(random: &mut Random, own: bool) -> Vec<u8> {
    let mut text = String::new();
    if random.one_in(30) {
        text.push('\u{feff}');
    }
    if own {
        text.push_str(random.pick(&[
            "[Unit]\nDescription=x\n",
            "",
            "# c\n",
            "[Unit]\nDefaultDependencies=no\n",
            "[Unit]\nDefaultDependencies=no\nDefaultDependencies=maybe\n",
        ]));
        if random.one_in(12) {
            text.push_str("[Unit]\nPrivateTmp=yes\nSuccessAction=");
            text.push_str(random.pick(&["none", "reboot", "exit", "soft-reboot", "bogus", "halt", "kexec"]));
            text.push('\n');
        }
    }
    text.push_str("[Service]\n");
    if own && !random.one_in(30) {
        text.push_str("ExecStart=");
        text.push_str(if random.one_in(8) { random.pick(COMMANDS) } else { "/bin/true" });
        text.push('\n');
    }
    let most = if own { 25 } else { 5 };
    for _ in 0..random.below(most) {
        text.push_str(&line(random));
        if random.one_in(60) {
            text.push_str(random.pick(&[
                "[X-Own]\n",
                "[Install]\nWantedBy=multi-user.target\n[Service]\n",
                "[Bogus]\nPrivateTmp=yes\n[Service]\n",
                "nonsense\n",
                "=x\n",
                "\n\n",
            ]));
        }
    }
    let mut bytes = text.into_bytes();
    match random.below(150) {
        0 => bytes.extend_from_slice(b"[Service] # x\n"),
        1 => bytes.extend_from_slice(b"Foo=\xff\n"),
        2 => bytes.extend_from_slice(b"# \xff\nPrivateTmp=yes\\"),
        3 => bytes.extend_from_slice(b"PrivateTmp=yes\0PrivateDevices=yes\0"),
        4 => bytes.extend_from_slice(b"\xef\xbb\xbfPrivateTmp=yes\n"),
        5 => bytes.extend_from_slice(b"[Ser\"vice]\n"),
        _ => {}
    }
    bytes
}

/// The files of one folder: so many units, with drop-ins for some of them.
pub fn folder(seed: u64, units: usize) -> Vec<(String, Vec<u8>)> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut files = Vec::new();
    for number in 0..units {
        let name = match random.below(12) {
            0 => format!("t{number}@"),
            1 => format!("web-{number}-x"),
            2 => format!("web-a-{number}@"),
            3 if number < 12 => "nobody".to_owned(),
            4 if number < 24 => "root".to_owned(),
            5 => format!("{number}x"),
            _ => format!("u{number}"),
        };
        let content = unit(&mut random, true);
        let empty = random.one_in(100);
        files.push((format!("{name}.service"), if empty { Vec::new() } else { content }));
        for _ in 0..random.below(3) {
            if random.one_in(3) {
                let file = random.pick(&["a.conf", "b.conf", "z.conf", "x.txt", "A.conf", ".hidden.conf"]);
                let content = if random.one_in(8) { Vec::new() } else { unit(&mut random, false) };
                files.push((format!("{name}.service.d/{file}"), content));
            }
        }
    }
    if seed.is_multiple_of(3) {
        for place in [
            "service.d/m.conf",
            "service.d/a.conf",
            "web-.service.d/b.conf",
            "web-a-.service.d/a.conf",
            "web-a-@.service.d/a.conf",
            "web-@.service.d/c.conf",
            "web-a-1@i.service.d/k.conf",
        ] {
            // Only lines that cannot keep all units from loading.
            let safe = [
                "PrivateTmp=yes",
                "ProtectSystem=full",
                "UMask=0077",
                "PrivateNetwork=no",
                "SystemCallFilter=~@clock",
                "CapabilityBoundingSet=~CAP_KILL",
            ];
            files.push((
                place.to_owned(),
                format!("[Service]\n{}\n{}\n", random.pick(&safe), random.pick(&safe)).into_bytes(),
            ));
        }
    }
    files
}
