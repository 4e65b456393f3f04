//! Processor architectures: what each is called by whom, and where its loaders are.

use elf::abi;
use std::fmt;

/// An architecture, as an ELF file states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Architecture {
    /// `e_machine`.
    pub(super) machine: u16,
    /// Whether addresses have 64 bits.
    pub(super) wide: bool,
    /// Whether the lowest byte comes first.
    pub(super) little: bool,
}

/// What is known of an architecture.
pub(super) struct Known {
    architecture: Architecture,
    name: &'static str,
    /// What Debian calls the folders of its libraries.
    pub folder: &'static str,
    /// What Rust calls it, with the GNU C library.
    pub target: &'static str,
    /// The loader of the GNU C library.
    pub glibc: &'static str,
    /// That of musl.
    pub musl: &'static str,
}

const fn little(machine: u16, wide: bool) -> Architecture {
    Architecture { machine, wide, little: true }
}

const X86_64: Architecture = little(abi::EM_X86_64, true);
const X86: Architecture = little(abi::EM_386, false);
const AARCH64: Architecture = little(abi::EM_AARCH64, true);
const ARM: Architecture = little(abi::EM_ARM, false);

static KNOWN: &[Known] = &[
    Known {
        architecture: X86_64,
        name: "x86-64",
        folder: "x86_64-linux-gnu",
        target: "x86_64-unknown-linux-gnu",
        glibc: "/lib64/ld-linux-x86-64.so.2",
        musl: "/lib/ld-musl-x86_64.so.1",
    },
    Known {
        architecture: X86,
        name: "x86",
        folder: "i386-linux-gnu",
        target: "i686-unknown-linux-gnu",
        glibc: "/lib/ld-linux.so.2",
        musl: "/lib/ld-musl-i386.so.1",
    },
    Known {
        architecture: AARCH64,
        name: "arm64",
        folder: "aarch64-linux-gnu",
        target: "aarch64-unknown-linux-gnu",
        glibc: "/lib/ld-linux-aarch64.so.1",
        musl: "/lib/ld-musl-aarch64.so.1",
    },
    Known {
        architecture: ARM,
        name: "arm",
        folder: "arm-linux-gnueabihf",
        target: "armv7-unknown-linux-gnueabihf",
        glibc: "/lib/ld-linux-armhf.so.3",
        musl: "/lib/ld-musl-armhf.so.1",
    },
    Known {
        architecture: little(abi::EM_RISCV, true),
        name: "riscv64",
        folder: "riscv64-linux-gnu",
        target: "riscv64gc-unknown-linux-gnu",
        glibc: "/lib/ld-linux-riscv64-lp64d.so.1",
        musl: "/lib/ld-musl-riscv64.so.1",
    },
    Known {
        architecture: little(abi::EM_PPC64, true),
        name: "ppc64le",
        folder: "powerpc64le-linux-gnu",
        target: "powerpc64le-unknown-linux-gnu",
        glibc: "/lib64/ld64.so.2",
        musl: "/lib/ld-musl-powerpc64le.so.1",
    },
    Known {
        architecture: Architecture { machine: abi::EM_S390, wide: true, little: false },
        name: "s390x",
        folder: "s390x-linux-gnu",
        target: "s390x-unknown-linux-gnu",
        glibc: "/lib/ld64.so.1",
        musl: "/lib/ld-musl-s390x.so.1",
    },
];

/// Those whose processors run the programs of another, too.
const ALSO_RUN: &[(Architecture, Architecture)] = &[(X86_64, X86), (AARCH64, ARM)];

impl Architecture {
    /// Whether a system of this architecture runs programs of the other.
    pub(super) fn runs(self, other: Self) -> bool {
        self == other || ALSO_RUN.contains(&(self, other))
    }

    pub(super) fn known(self) -> Option<&'static Known> {
        KNOWN.iter().find(|known| known.architecture == self)
    }

    /// The Rust target with the GNU C library.
    pub(super) fn target(self) -> Option<&'static str> {
        self.known().map(|known| known.target)
    }

    /// The Rust target with musl.
    pub(super) fn musl_target(self) -> Option<String> {
        self.target().map(|target| target.replace("-gnu", "-musl"))
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some(known) => f.write_str(known.name),
            None => write!(f, "machine {} of ELF with {} bits", self.machine, if self.wide { 64 } else { 32 }),
        }
    }
}
