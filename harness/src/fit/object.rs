//! What an ELF file, a program or a shared library, asks of the system that it is loaded on, and what it offers.

use super::architecture::Architecture;
use elf::ElfBytes;
use elf::abi;
use elf::dynamic::{Dyn, DynamicTable};
use elf::endian::{AnyEndian, EndianParse};
use elf::file::Class;
use elf::gnu_symver::{VerDefIterator, VerNeedIterator};
use elf::parse::ParseError;
use elf::segment::ProgramHeader;
use elf::string_table::StringTable;

/// An ELF file, as its loader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// What it was compiled for.
    pub architecture: Architecture,
    /// The loader that it names.
    pub interpreter: Option<String>,
    /// The shared libraries that it names.
    pub needed: Vec<String>,
    /// Where it wants them looked for first (`DT_RPATH`, `DT_RUNPATH`).
    pub(super) rpath: Vec<String>,
    pub(super) runpath: Vec<String>,
    /// The versions of symbols that it needs, each of the library that must have it.
    pub versions_needed: Vec<Version>,
    /// The versions of symbols that it has: `GLIBC_2.34`.
    pub versions_defined: Vec<String>,
}

/// A version of symbols in a shared library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// `libc.so.6`.
    pub library: String,
    /// `GLIBC_2.34`.
    pub name: String,
}

/// The file is not what Linux could run or load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is no ELF file that could be loaded: {0}")]
pub struct NotLoadable(String);

impl From<ParseError> for NotLoadable {
    fn from(error: ParseError) -> Self {
        Self(error.to_string())
    }
}

impl Object {
    /// Reads a file. Like the loader, it looks at segments alone: sections may have been stripped.
    ///
    /// # Errors
    /// It is no ELF file, or one that is cut off.
    pub fn read(bytes: &[u8]) -> Result<Self, NotLoadable> {
        let file = ElfBytes::<AnyEndian>::minimal_parse(bytes)?;
        let header = file.ehdr;
        let segments: Vec<ProgramHeader> = file.segments().into_iter().flatten().collect();
        let segment = |kind| segments.iter().find(|segment| segment.p_type == kind);
        let interpreter = match segment(abi::PT_INTERP) {
            Some(segment) => Some(text(file.segment_data(segment)?)),
            None => None,
        };
        let dynamic: Vec<Dyn> = match segment(abi::PT_DYNAMIC) {
            Some(segment) => {
                let table = DynamicTable::new(header.endianness, header.class, file.segment_data(segment)?);
                table.iter().take_while(|entry| entry.d_tag != abi::DT_NULL).collect()
            }
            None => Vec::new(),
        };
        let value = |tag| dynamic.iter().find(|entry| entry.d_tag == tag).map(Dyn::d_val);
        let at = |tag| value(tag).and_then(|address| loaded(bytes, &segments, address)).unwrap_or_default();
        let strings = StringTable::new(at(abi::DT_STRTAB));
        let name = |offset: u64| -> Result<String, ParseError> {
            Ok(String::from_utf8_lossy(strings.get_raw(usize::try_from(offset)?)?).into_owned())
        };
        let names = |tag| -> Result<Vec<String>, ParseError> {
            dynamic.iter().filter(|entry| entry.d_tag == tag).map(|entry| name(entry.d_val())).collect()
        };
        let folders = |tag| -> Result<Vec<String>, ParseError> {
            Ok(names(tag)?.iter().flat_map(|list| list.split(':')).map(str::to_owned).collect())
        };
        let mut versions_needed = Vec::new();
        let count = value(abi::DT_VERNEEDNUM).unwrap_or(0);
        for (of, versions) in VerNeedIterator::new(header.endianness, header.class, count, 0, at(abi::DT_VERNEED)) {
            let library = name(of.vn_file.into())?;
            for version in versions.filter(|version| version.vna_flags & abi::VER_FLG_WEAK == 0) {
                versions_needed.push(Version { library: library.clone(), name: name(version.vna_name.into())? });
            }
        }
        let count = value(abi::DT_VERDEFNUM).unwrap_or(0);
        let versions_defined = VerDefIterator::new(header.endianness, header.class, count, 0, at(abi::DT_VERDEF))
            // Its own name comes first, those of its predecessors after it.
            .filter_map(|(_, mut names)| names.next())
            .map(|version| name(version.vda_name.into()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            architecture: Architecture {
                machine: header.e_machine,
                wide: header.class == Class::ELF64,
                little: header.endianness.is_little(),
            },
            interpreter,
            needed: names(abi::DT_NEEDED)?,
            rpath: folders(abi::DT_RPATH)?,
            runpath: folders(abi::DT_RUNPATH)?,
            versions_needed,
            versions_defined,
        })
    }

    /// Whether everything that it needs is in it.
    #[must_use]
    pub fn is_static(&self) -> bool {
        self.interpreter.is_none() && self.needed.is_empty()
    }
}

/// What the file has from this address on, once it is loaded.
fn loaded<'a>(bytes: &'a [u8], segments: &[ProgramHeader], address: u64) -> Option<&'a [u8]> {
    segments.iter().filter(|segment| segment.p_type == abi::PT_LOAD).find_map(|segment| {
        let within = address.checked_sub(segment.p_vaddr).filter(|within| *within < segment.p_filesz)?;
        let start = usize::try_from(segment.p_offset.checked_add(within)?).ok()?;
        let end = usize::try_from(segment.p_offset.checked_add(segment.p_filesz)?).ok()?;
        bytes.get(start..end)
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}
