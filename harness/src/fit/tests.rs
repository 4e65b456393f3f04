//! On real ELF files: this test's own, those of this machine, and some that `cc` makes, which every Rust build needs
//! for its linker anyway.

use super::*;
use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What this test runs in.
pub(super) fn this_program() -> Object {
    Object::read(&own_bytes()).expect("an ELF file")
}

fn own_bytes() -> Vec<u8> {
    fs::read(std::env::current_exe().expect("this program")).expect("is there")
}

/// This machine as the image.
fn here(path: &str) -> Result<Option<Vec<u8>>, Infallible> {
    Ok(fs::read(path).ok())
}

fn judged(bytes: &[u8], read: Reader<'_, Infallible>) -> Vec<Misfit> {
    let Ok(misfits) = misfits(Candidate { bytes, path: "/usr/bin/hello", library_path: &[] }, read);
    misfits
}

/// Compiles C in this folder.
fn cc(folder: &Path, source: &str, arguments: &[&str]) {
    fs::write(folder.join("source.c"), source).expect("written");
    let output = Command::new("cc").arg("source.c").args(arguments).current_dir(folder).output().expect("cc is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A program that needs `libmine.so.7`, which in turn needs `libyours.so.1`, with what is said to the linker besides.
fn program_with_libraries(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    cc(folder, "int yours(void) { return 1; }", &["-shared", "-Wl,-soname,libyours.so.1", "-o", "libyours.so.1"]);
    let mine = ["-shared", "-Wl,-soname,libmine.so.7", "-o", "libmine.so.7", "-Wl,--no-as-needed", "libyours.so.1"];
    cc(folder, "int mine(void) { return 2; }", &mine);
    let program = ["-o", "program", "libmine.so.7", "-Wl,-rpath-link,."];
    cc(folder, "int mine(void); int main(void) { return mine(); }", &[&program, arguments].concat());
    fs::read(folder.join("program")).expect("linked")
}

#[test]
fn what_a_program_needs_stands_in_its_file() {
    let program = this_program();
    assert!(program.needed.iter().any(|name| name == "libc.so.6"), "{:?}", program.needed);
    assert!(!program.is_static());
    assert!(fs::exists(program.interpreter.expect("a loader")).expect("looked"));
    let newest = program.versions_needed.iter().filter(|version| version.library == "libc.so.6");
    let newest = newest.max_by_key(|version| numbers(&version.name)).expect("needs some version");
    assert!(newest.name.starts_with("GLIBC_2."), "{newest:?}");
    assert_eq!(program.architecture.to_string(), std::env::consts::ARCH.replace('_', "-").replace("aarch64", "arm64"));
}

#[test]
fn a_file_that_is_cut_off_or_no_program_is_told() {
    let bytes = own_bytes();
    for length in [0, 1, 16, 60, 64, 200, 1000] {
        let said = judged(&bytes[..length], &here);
        assert!(matches!(said.as_slice(), [Misfit::NotLoadable(_)]), "{length}: {said:?}");
    }
    let said = judged(b"#!/bin/sh\necho hello\n", &here);
    assert!(said[0].to_string().starts_with("it is no ELF file"), "{said:?}");
}

#[test]
fn what_runs_here_fits_here() {
    for bytes in [own_bytes(), fs::read("/bin/sh").expect("there"), fs::read("/usr/bin/systemctl").expect("there")] {
        assert_eq!(judged(&bytes, &here), []);
    }
}

#[test]
fn a_library_that_is_missing_is_named_with_who_needs_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = directory.path();
    let program = program_with_libraries(folder, &[]);
    let said = judged(&program, &here);
    assert_eq!(said, [Misfit::Library { by: "it".into(), name: "libmine.so.7".into() }]);
    assert!(said[0].remedy().contains("install the package"), "{}", said[0].remedy());
    // Where the first is found, the second is not.
    let folder_name = folder.display().to_string();
    let only = |path: &str| Ok::<_, Infallible>(fs::read(path).ok().filter(|_| !path.ends_with("/libyours.so.1")));
    let library_path = [folder_name.clone()];
    let candidate = Candidate { bytes: &program, path: "/usr/bin/hello", library_path: &library_path };
    let Ok(said) = misfits(candidate, &only);
    let by = format!("its library {folder_name}/libmine.so.7");
    assert_eq!(said, [Misfit::Library { by, name: "libyours.so.1".into() }]);
    assert_eq!(misfits(candidate, &here), Ok(Vec::new()));
}

#[test]
fn libraries_are_found_beside_the_program_where_it_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = directory.path();
    let path = folder.join("program").display().to_string();
    // A RUNPATH is that of one object alone, an RPATH goes for what its libraries need, too.
    for (tags, complaints) in [("--disable-new-dtags", 0), ("--enable-new-dtags", 1)] {
        let program = program_with_libraries(folder, &[&format!("-Wl,{tags}"), "-Wl,-rpath,$ORIGIN"]);
        let Ok(said) = misfits(Candidate { bytes: &program, path: &path, library_path: &[] }, &here);
        assert_eq!(said.len(), complaints, "{tags}: {said:?}");
        let runs = Command::new(&path).output().expect("started").status.code() == Some(2);
        assert_eq!(runs, said.is_empty(), "{tags}: what is said is what the loader does");
    }
}

#[test]
fn a_newer_glibc_than_the_image_has_is_told_with_both_versions() {
    // The older C library: what came with 2.34 and later is not in it.
    let older = |path: &str| -> Result<Option<Vec<u8>>, Infallible> {
        let file = fs::read(path).ok();
        Ok(file.map(|mut bytes| {
            if path.ends_with("/libc.so.6") {
                age(&mut bytes);
            }
            bytes
        }))
    };
    let said = judged(&own_bytes(), &older);
    // Libraries of this machine would not do either; the program comes first.
    let (needs, has) = lacking_of_glibc(&said);
    assert_eq!(has, "2.33");
    assert!(numbers(needs) >= vec![2, 34], "{needs}");
    let remedy = said[0].remedy();
    for wanted in ["--static", "-linux-musl", "older machine"] {
        assert!(remedy.contains(wanted), "{remedy}");
    }
}

#[test]
fn a_newer_loader_than_the_image_has_is_told_likewise() {
    let directory = tempfile::tempdir().expect("a directory");
    // What the loader has since 2.35, and the C library has not.
    let source = "extern const int __rseq_offset; int main(void) { return __rseq_offset == 1; }";
    cc(directory.path(), source, &["-o", "program"]);
    let bytes = fs::read(directory.path().join("program")).expect("linked");
    let loader = Object::read(&bytes).expect("an ELF file").interpreter.expect("a loader");
    let older = |path: &str| -> Result<Option<Vec<u8>>, Infallible> {
        Ok(fs::read(path).ok().map(|mut bytes| {
            if path == loader {
                age(&mut bytes);
            }
            bytes
        }))
    };
    assert_eq!(judged(&bytes, &here), []);
    assert_eq!(lacking_of_glibc(&judged(&bytes, &older)).0, "GLIBC_2.35");
}

/// The version that the program itself needs first of all, and the release that there is.
fn lacking_of_glibc(said: &[Misfit]) -> (&str, &str) {
    let newer = said.iter().find_map(|misfit| match misfit {
        Misfit::Glibc { by, needs, has, .. } if by == "it" => Some((needs.as_str(), has.as_str())),
        _ => None,
    });
    assert!(newer.is_some() && matches!(said[0], Misfit::Glibc { .. }), "{said:?}");
    newer.unwrap_or_default()
}

/// Makes every `GLIBC_2.34` and later a `GLIBC_0.…`, and the whole a release 2.33.
fn age(bytes: &mut [u8]) {
    const NAME: &[u8] = b"GLIBC_2.";
    const RELEASE: &[u8] = b" release version 2.";
    for start in 0..bytes.len().saturating_sub(RELEASE.len() + 3) {
        let rest = &mut bytes[start..];
        if rest.starts_with(NAME) && rest[10] == 0 && &rest[8..10] >= b"34".as_slice() {
            rest[6] = b'0';
        } else if rest.starts_with(RELEASE) {
            rest[RELEASE.len()..][..2].copy_from_slice(b"33");
        }
    }
}

#[test]
fn what_is_not_of_glibc_must_be_linked_in_before_static_helps() {
    let architecture = this_program().architecture;
    let misfit = |others: &[&str]| Misfit::Glibc {
        by: "it".into(),
        needs: "GLIBC_2.39".into(),
        has: "2.36".into(),
        others: others.iter().map(|name| (*name).to_owned()).collect(),
        architecture,
    };
    assert_eq!(misfit(&[]).to_string(), "it needs GLIBC_2.39, and the image has glibc 2.36");
    assert!(misfit(&[]).remedy().starts_with("`--static`"));
    assert!(misfit(&["libssl.so.3"]).remedy().contains("link libssl.so.3 into it, too, and then `--static`"));
}

#[test]
fn another_architecture_and_another_c_library_are_told() {
    let bytes = own_bytes();
    let known = this_program().architecture.known().expect("known");
    // Every file of the image is for other processors.
    let foreign = |path: &str| {
        Ok::<_, Infallible>(fs::read(path).ok().map(|mut bytes| {
            bytes[18] ^= 0xff;
            bytes
        }))
    };
    let said = judged(&bytes, &foreign);
    assert!(matches!(said.as_slice(), [Misfit::Architecture { .. }]), "{said:?}");
    // An image with musl alone.
    let musl = |path: &str| {
        Ok::<_, Infallible>(match path {
            _ if path == known.musl => Some(Vec::new()),
            _ if SYSTEMD.contains(&path) => fs::read(path).ok(),
            _ => None,
        })
    };
    let said = judged(&bytes, &musl);
    assert!(matches!(said.as_slice(), [Misfit::Libc { program: Libc::Glibc, image: Libc::Musl, .. }]), "{said:?}");
    assert_eq!(said[0].to_string(), "it is compiled for the GNU C library, and the image has musl");
    // And the reverse.
    let directory = tempfile::tempdir().expect("a directory");
    cc(
        directory.path(),
        "int main(void) { return 0; }",
        &["-o", "musl", &format!("-Wl,--dynamic-linker={}", known.musl)],
    );
    let said = judged(&fs::read(directory.path().join("musl")).expect("linked"), &here);
    assert!(matches!(said.as_slice(), [Misfit::Libc { program: Libc::Musl, image: Libc::Glibc, .. }]), "{said:?}");
    // Neither: a loader of its own.
    let arguments = ["-o", "odd", "-Wl,--dynamic-linker=/no/such/loader.so"];
    cc(directory.path(), "int main(void) { return 0; }", &arguments);
    let said = judged(&fs::read(directory.path().join("odd")).expect("linked"), &here);
    assert_eq!(said[0].to_string(), "it names the loader /no/such/loader.so, which the image does not have");
}

#[test]
fn a_static_program_needs_nothing_and_fits_everywhere() {
    let directory = tempfile::tempdir().expect("a directory");
    cc(directory.path(), "int main(void) { return 0; }", &["-static", "-o", "still"]);
    let bytes = fs::read(directory.path().join("still")).expect("linked");
    assert!(Object::read(&bytes).expect("an ELF file").is_static());
    let nothing = |_: &str| Ok::<_, Infallible>(None);
    assert_eq!(judged(&bytes, &nothing), []);
}

#[test]
fn a_library_that_is_too_old_is_told_by_its_version() {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = directory.path();
    let shared = ["-shared", "-Wl,-soname,libmine.so.7", "-Wl,--version-script=map", "-o", "libmine.so.7"];
    fs::write(folder.join("map"), "MINE_1 { global: mine; };\nMINE_2 { global: newer; } MINE_1;\n").expect("written");
    cc(folder, "int mine(void) { return 1; } int newer(void) { return 2; }", &shared);
    cc(folder, "int newer(void); int main(void) { return newer(); }", &["-o", "program", "libmine.so.7"]);
    let bytes = fs::read(folder.join("program")).expect("linked");
    let library_path = [folder.display().to_string()];
    let candidate = Candidate { bytes: &bytes, path: "/usr/bin/hello", library_path: &library_path };
    assert_eq!(misfits(candidate, &here), Ok(Vec::new()));
    fs::write(folder.join("map"), "MINE_1 { global: mine; };\n").expect("written");
    cc(folder, "int mine(void) { return 1; }", &shared);
    let version = Misfit::Version { by: "it".into(), name: "libmine.so.7".into(), version: "MINE_2".into() };
    assert_eq!(misfits(candidate, &here), Ok(vec![version]));
}

#[test]
fn an_image_is_called_what_it_calls_itself() {
    let text = |path: &str| {
        Ok::<_, Infallible>((path == "/usr/lib/os-release").then(|| b"ID=x\nPRETTY_NAME=\"Debian 11\"\n".to_vec()))
    };
    assert_eq!(name(&text), Ok(Some("Debian 11".to_owned())));
}
