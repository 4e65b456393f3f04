//! Where well-known shared libraries come from, and how a Rust program does without them.

/// A shared library.
pub(super) struct Library {
    /// Its name for the loader.
    pub name: &'static str,
    /// The Debian package that has it, and its name from Debian 13 on where that is another.
    packages: &'static [&'static str],
    /// The feature of the crate that uses it which links it in.
    linked_by: Option<&'static str>,
}

const fn library(name: &'static str, packages: &'static [&'static str]) -> Library {
    Library { name, packages, linked_by: None }
}

impl Library {
    const fn or(self, feature: &'static str) -> Self {
        Self { linked_by: Some(feature), ..self }
    }
}

static LIBRARIES: &[Library] = &[
    library("libavahi-client.so.3", &["libavahi-client3"]),
    library("libbpf.so.1", &["libbpf1"]),
    library("libbz2.so.1.0", &["libbz2-1.0"]).or("`static` of bzip2"),
    library("libc.so.6", &["libc6"]),
    library("libcap.so.2", &["libcap2"]),
    library("libcrypto.so.1.1", &["libssl1.1"]).or("`vendored` of openssl"),
    library("libcrypto.so.3", &["libssl3", "libssl3t64"]).or("`vendored` of openssl"),
    library("libcurl.so.4", &["libcurl4", "libcurl4t64"]).or("`static-curl` of curl"),
    library("libdbus-1.so.3", &["libdbus-1-3"]).or("`vendored` of dbus"),
    library("libelf.so.1", &["libelf1", "libelf1t64"]),
    library("libgcc_s.so.1", &["libgcc-s1"]),
    library("libgssapi_krb5.so.2", &["libgssapi-krb5-2"]),
    library("libjemalloc.so.2", &["libjemalloc2"]),
    library("liblzma.so.5", &["liblzma5"]).or("`static` of xz2"),
    library("libmariadb.so.3", &["libmariadb3"]),
    library("libnghttp2.so.14", &["libnghttp2-14"]),
    library("libpam.so.0", &["libpam0g"]),
    library("libpcap.so.0.8", &["libpcap0.8", "libpcap0.8t64"]),
    library("libpq.so.5", &["libpq5"]).or("`bundled` of pq-sys"),
    library("librdkafka.so.1", &["librdkafka1"]),
    library("libseccomp.so.2", &["libseccomp2"]),
    library("libsodium.so.23", &["libsodium23"]),
    library("libsqlite3.so.0", &["libsqlite3-0"]).or("`bundled` of rusqlite"),
    library("libssh2.so.1", &["libssh2-1", "libssh2-1t64"]),
    library("libssl.so.1.1", &["libssl1.1"]).or("`vendored` of openssl"),
    library("libssl.so.3", &["libssl3", "libssl3t64"]).or("`vendored` of openssl"),
    library("libstdc++.so.6", &["libstdc++6"]),
    library("libsystemd.so.0", &["libsystemd0"]),
    library("libudev.so.1", &["libudev1"]),
    library("libusb-1.0.so.0", &["libusb-1.0-0"]).or("`vendored` of rusb"),
    library("libxml2.so.2", &["libxml2"]),
    library("libz.so.1", &["zlib1g"]).or("`static` of libz-sys"),
    library("libzstd.so.1", &["libzstd1"]),
];

/// What to do about a library that an image lacks.
pub(super) fn remedy(name: &str) -> String {
    let Some(known) = LIBRARIES.iter().find(|known| known.name == name) else {
        return "install the package that has it in the image, or link it statically".to_owned();
    };
    let install = match known.packages {
        [package, newer] => {
            format!("install {package} in the image ({newer} from Debian 13 and Ubuntu 24.04 on)")
        }
        packages => format!("install {} in the image", packages.join(" ")),
    };
    match known.linked_by {
        Some(feature) => format!("{install}, or link it into the program with the feature {feature}"),
        None => install,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_in_order_and_lead_to_a_package() {
        assert!(LIBRARIES.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert_eq!(
            remedy("libssl.so.3"),
            "install libssl3 in the image (libssl3t64 from Debian 13 and Ubuntu 24.04 on), or link it into the program \
             with the feature `vendored` of openssl"
        );
        assert_eq!(remedy("libpam.so.0"), "install libpam0g in the image");
        assert!(remedy("libmine.so.7").contains("the package that has it"));
    }
}
