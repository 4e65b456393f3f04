//! Where the loader of an image would find a shared library.

use super::architecture::Architecture;
use super::object::Object;
use super::{Libc, Reader, cache};
use elf::endian::AnyEndian;
use std::collections::HashMap;

/// Names that musl takes for itself, whatever follows the dot.
const IN_MUSL: [&str; 7] = ["libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet."];

/// What is loaded, and from where.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub path: String,
    pub object: Object,
    /// Folders that it was asked to be looked for in and that what it needs is looked for in, too.
    rpath: Vec<String>,
}

impl Loaded {
    /// A program, or a library that `by` needs.
    pub fn new(path: &str, object: Object, by: Option<&Self>) -> Self {
        let mut rpath = expand(&object.rpath, path, object.architecture);
        rpath.extend(by.into_iter().flat_map(|by| by.rpath.iter().cloned()));
        Self { path: path.to_owned(), object, rpath }
    }
}

/// The search of one image's loader.
pub(super) struct Search<'a, E> {
    read: Reader<'a, E>,
    libc: Libc,
    architecture: Architecture,
    /// The folders of `LD_LIBRARY_PATH`.
    environment: &'a [String],
    /// What `ldconfig` found.
    cache: HashMap<String, Vec<String>>,
    /// Where it looks last.
    folders: Vec<String>,
}

impl<'a, E> Search<'a, E> {
    /// The search for what programs of this architecture need.
    pub fn new(
        read: Reader<'a, E>,
        libc: Libc,
        architecture: Architecture,
        environment: &'a [String],
    ) -> Result<Self, E> {
        let (cache, folders) = match libc {
            Libc::Glibc => {
                let endian = if architecture.little { AnyEndian::Little } else { AnyEndian::Big };
                let cache = read("/etc/ld.so.cache")?.map(|file| cache::parse(&file, endian)).unwrap_or_default();
                let own = architecture.known().map(|known| known.folder);
                let own = own.into_iter().flat_map(|folder| [format!("/lib/{folder}"), format!("/usr/lib/{folder}")]);
                (cache, own.chain(["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map(str::to_owned)).collect())
            }
            Libc::Musl => (HashMap::new(), musl_folders(read, architecture)?),
        };
        Ok(Self { read, libc, architecture, environment, cache, folders })
    }

    /// Whether this library is part of the loader.
    pub fn is_in_loader(&self, name: &str) -> bool {
        self.libc == Libc::Musl && IN_MUSL.iter().any(|own| name.starts_with(own))
    }

    /// The library of this name that is loaded for `by`, if there is one.
    pub fn find(&self, name: &str, by: &Loaded) -> Result<Option<Loaded>, E> {
        for path in self.candidates(name, by) {
            // One of another architecture is passed over.
            if let Some(object) = self.object(&path)? {
                return Ok(Some(Loaded::new(&path, object, Some(by))));
            }
        }
        Ok(None)
    }

    /// What stands there, if this loader can load it.
    pub fn object(&self, path: &str) -> Result<Option<Object>, E> {
        let object = (self.read)(path)?.and_then(|bytes| Object::read(&bytes).ok());
        Ok(object.filter(|object| object.architecture == self.architecture))
    }

    /// The release of a GNU C library, as it introduces itself when it is executed. The versions of its symbols do not tell:
    /// a release that brings no new one has none.
    pub fn glibc_release(&self, libc: &Loaded) -> Result<Option<String>, E> {
        const BEFORE: &[u8] = b" release version ";
        let bytes = (self.read)(&libc.path)?.unwrap_or_default();
        let found = bytes.windows(BEFORE.len()).position(|window| window == BEFORE);
        let after = found.map(|start| &bytes[start + BEFORE.len()..]);
        let numbers = |text: &[u8]| {
            let numbers = text.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.');
            let release: String = numbers.map(|byte| char::from(*byte)).collect();
            release.trim_end_matches('.').to_owned()
        };
        Ok(after.map(numbers).filter(|release| !release.is_empty()))
    }

    /// Everywhere that is looked, in order.
    fn candidates(&self, name: &str, by: &Loaded) -> Vec<String> {
        if name.contains('/') {
            return vec![name.to_owned()];
        }
        let runpath = expand(&by.object.runpath, &by.path, self.architecture);
        // One with a RUNPATH has no RPATH, and no use for that of what it is needed by.
        let rpath = if runpath.is_empty() { by.rpath.as_slice() } else { &[] };
        let first = rpath.iter().chain(self.environment).chain(&runpath).map(|folder| format!("{folder}/{name}"));
        let cached = self.cache.get(name).into_iter().flatten().cloned();
        first.chain(cached).chain(self.folders.iter().map(|folder| format!("{folder}/{name}"))).collect()
    }
}

/// The folders that an object names, with what stands for others put in.
fn expand(folders: &[String], path: &str, architecture: Architecture) -> Vec<String> {
    let origin = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let lib = architecture.known().map_or("lib".to_owned(), |known| format!("lib/{}", known.folder));
    let expanded = |folder: &String| {
        let mut folder = folder.clone();
        for (name, value) in [("ORIGIN", origin), ("LIB", &lib)] {
            folder = folder.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value);
        }
        folder
    };
    folders.iter().filter(|folder| !folder.is_empty()).map(expanded).collect()
}

/// The folders of musl's loader: those of its configuration, or, where there is none, the usual ones.
fn musl_folders<E>(read: Reader<'_, E>, architecture: Architecture) -> Result<Vec<String>, E> {
    let loader = architecture.known().map_or("", |known| known.musl);
    let configuration = loader.replace("/lib/", "/etc/").replace(".so.1", ".path");
    let text = read(&configuration)?.map(|text| String::from_utf8_lossy(&text).into_owned());
    let text = text.as_deref().unwrap_or("/lib:/usr/local/lib:/usr/lib");
    Ok(text.split([':', '\n']).map(str::trim).filter(|folder| !folder.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::tests::this_program;

    #[test]
    fn folders_are_relative_to_where_the_program_is() {
        let architecture = this_program().architecture;
        let folders = ["$ORIGIN/../lib", "${ORIGIN}", "/opt/$LIB", ""].map(str::to_owned);
        let lib = architecture.known().expect("known").folder;
        assert_eq!(
            expand(&folders, "/opt/mine/bin/hello", architecture),
            ["/opt/mine/bin/../lib".to_owned(), "/opt/mine/bin".to_owned(), format!("/opt/lib/{lib}")]
        );
    }

    #[test]
    fn musl_says_where_it_looks() {
        let architecture = this_program().architecture;
        let path = architecture.known().expect("known").musl.replace("/lib/", "/etc/").replace(".so.1", ".path");
        let nothing = |_: &str| Ok::<_, std::convert::Infallible>(None);
        assert_eq!(
            musl_folders(&nothing, architecture),
            Ok(["/lib", "/usr/local/lib", "/usr/lib"].map(str::to_owned).to_vec())
        );
        let own = |asked: &str| Ok::<_, std::convert::Infallible>((asked == path).then(|| b"/a:/b\n/c\n".to_vec()));
        assert_eq!(musl_folders(&own, architecture), Ok(["/a", "/b", "/c"].map(str::to_owned).to_vec()));
    }
}
