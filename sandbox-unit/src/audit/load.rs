//! From a unit's files to its effective settings, for one version of systemd (src/core/load-fragment.c, service.c, unit.c).

use super::held::Held;
use super::loading::{EVALUATED, slot};
use super::value::{Consequence, Line, Note, Value, capability_bit, is_strict_name};
use crate::directive::Grammar;
use crate::unit::name::UnitName;
use crate::unit::specifier::Context;
use crate::unit::{Document, Refused};
use crate::version::SystemdVersion;
use thiserror::Error;

/// One file of a unit: its own, or a drop-in.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The file.
    pub document: &'a Document,
    /// Whether it is a drop-in: a fault there ends that file, not the unit.
    pub drop_in: bool,
}

/// Why systemd does not load a unit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LoadError {
    /// The name is that of no service.
    #[error("`{0}` is not the name of a service")]
    Name(String),
    /// The unit's own file is empty.
    #[error("the unit is masked")]
    Masked,
    /// The unit has no file of its own.
    #[error("the unit has no file")]
    NotFound,
    /// The file is none that can be read.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A line that systemd insists on.
    #[error("line {line}: {message}")]
    Fatal {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// What the service lacks, or has too much of, as a whole.
    #[error("{0}")]
    Verify(&'static str),
}

/// Something in a unit's files that does not count as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which file: a place in the parts given to [`Service::load`].
    pub part: usize,
    /// Which assignment: a place in its document's entries.
    pub entry: usize,
    /// What is wrong.
    pub note: Note,
}

/// Whether [`Service::load`] keeps what it found wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// For lints.
    Findings,
    /// For scores alone.
    Nothing,
}

/// A service as systemd holds it once it is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// The systemd that loaded it.
    pub version: SystemdVersion,
    held: Held,
    /// What did not count as it stands.
    pub findings: Vec<Found>,
}

/// The instance that `systemd-analyze security` gives to a template.
#[must_use]
pub fn default_instance(version: SystemdVersion) -> &'static str {
    if version.number() >= 255 { "test_instance" } else { "i" }
}

/// What is known of a service by its name.
pub(super) fn context(name: &str, version: SystemdVersion) -> Result<Context<'_>, LoadError> {
    let unit = UnitName::parse(name).filter(|unit| unit.kind == "service" && !unit.is_template());
    Ok(Context::new(unit.ok_or_else(|| LoadError::Name(name.to_owned()))?, version))
}

impl Service {
    /// Loads a unit from its own file and its drop-ins, in the order in which they count.
    ///
    /// # Errors
    ///
    /// Where systemd would not load it.
    pub fn load(name: &str, parts: &[Part], version: SystemdVersion, keep: Keep) -> Result<Self, LoadError> {
        Self::load_in(&context(name, version)?, parts, keep)
    }

    /// The same, where more is known of the machine.
    ///
    /// # Errors
    ///
    /// See [`Service::load`].
    pub fn load_in(context: &Context, parts: &[Part], keep: Keep) -> Result<Self, LoadError> {
        Self::read_files(context, parts, keep)?.finished(context)
    }

    /// What the lines of its files say, and nothing that follows from them.
    pub(super) fn read_files(context: &Context, parts: &[Part], keep: Keep) -> Result<Self, LoadError> {
        let own = parts.iter().find(|part| !part.drop_in).ok_or(LoadError::NotFound)?;
        if own.document.is_masked() {
            return Err(LoadError::Masked);
        }
        let mut service = Self {
            name: context.unit.full.to_owned(),
            version: context.version,
            held: Held::initial(),
            findings: Vec::new(),
        };
        for (place, part) in parts.iter().enumerate() {
            match service.read(context, place, part.document, keep) {
                Err(error) if !part.drop_in => return Err(error),
                _ => {}
            }
        }
        Ok(service)
    }

    /// With one more drop-in, which counts last. A fault ends the drop-in, not the unit.
    pub(super) fn read_drop_in(mut self, context: &Context, document: &Document) -> Self {
        let _ends = self.read(context, usize::MAX, document, Keep::Nothing);
        self
    }

    /// With what follows from the lines, once all of them are read.
    pub(super) fn finished(mut self, context: &Context) -> Result<Self, LoadError> {
        self.imply(&context.unit);
        self.verify()?;
        Ok(self)
    }

    fn read(&mut self, context: &Context, part: usize, document: &Document, keep: Keep) -> Result<(), LoadError> {
        let mut notes = Vec::new();
        for (place, entry) in document.entries().iter().enumerate() {
            let Some(slot) = slot(&entry.key) else { continue };
            let Some(known) = EVALUATED.get(slot) else { continue };
            if known.since > context.version.number() || known.section.name() != document.section(entry) {
                continue;
            }
            let Some(value) = self.held.at_mut(slot) else { continue };
            let mut line = Line { context, notes: &mut notes, text: &entry.value };
            let result = value.assign(known.name, known.grammar, &mut line);
            self.held.assign(slot);
            if result.is_err() {
                let fault = notes.iter().rev().find(|note| note.consequence == Consequence::Fatal);
                let message = fault.map_or_else(String::new, |note| format!("{}=: {}", entry.key, note.message));
                let error = LoadError::Fatal { line: entry.line, message };
                self.keep(part, place, notes, keep);
                return Err(error);
            }
            self.share(known.name, known.grammar, &entry.value);
            self.keep(part, place, std::mem::take(&mut notes), keep);
        }
        document.refused().map_or(Ok(()), |refused| Err(LoadError::Refused(refused.clone())))
    }

    fn keep(&mut self, part: usize, entry: usize, notes: Vec<Note>, keep: Keep) {
        if keep == Keep::Findings {
            self.findings.extend(notes.into_iter().map(|note| Found { part, entry, note }));
        }
    }

    /// Directives that systemd keeps in one list, which a reset of either clears.
    fn share(&mut self, name: &str, grammar: Grammar, text: &str) {
        let pair = match name {
            "BindPaths" => "BindReadOnlyPaths",
            "BindReadOnlyPaths" => "BindPaths",
            "LoadCredential" => "LoadCredentialEncrypted",
            "LoadCredentialEncrypted" => "LoadCredential",
            "SetCredential" => "SetCredentialEncrypted",
            "SetCredentialEncrypted" => "SetCredential",
            _ => return,
        };
        if text.is_empty() {
            self.replace(pair, Value::initial(pair, grammar));
        } else if let Some(Value::Credentials(others)) = self.held.value_mut(pair) {
            others.remove(text.split(':').next().unwrap_or(text));
        }
    }

    /// What systemd holds for a directive that is evaluated.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.held.value(name)
    }

    /// The same, by the place of the directive.
    pub(super) fn at(&self, slot: usize) -> Option<&Value> {
        self.held.at(slot)
    }

    /// Whether some line assigns this directive.
    #[must_use]
    pub fn assigns(&self, name: &str) -> bool {
        self.held.assigns(name)
    }

    /// The names of all directives that are evaluated, with what they hold.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        EVALUATED.iter().map(|entry| entry.name).zip(self.held.values())
    }

    /// Whether a directive is yes, or any word but `no`.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.value(name).is_some_and(Value::is_on)
    }

    /// The text that a directive holds.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.value(name)?.text()
    }

    /// How many items a list holds.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        match self.value(name) {
            Some(Value::List(items)) => items.len(),
            Some(Value::Set(items)) => items.len(),
            Some(Value::Networks(networks)) => networks.len(),
            _ => 0,
        }
    }

    /// Whether a set of capabilities holds this one.
    #[must_use]
    pub fn holds(&self, directive: &str, capability: &str) -> bool {
        let bit = capability_bit(capability).unwrap_or(0);
        matches!(self.value(directive), Some(Value::Capabilities(set)) if set & bit != 0)
    }

    fn replace(&mut self, name: &str, value: Value) {
        if let Some(place) = self.held.value_mut(name) {
            *place = value;
        }
    }

    /// What a loaded unit has without a line for it (`unit_patch_contexts()` of src/core/unit.c).
    fn imply(&mut self, unit: &UnitName) {
        for (by, capabilities) in DROPPED {
            if self.is_on(by) {
                let bits = capabilities.iter().filter_map(|name| capability_bit(name)).fold(0, |sum, bit| sum | bit);
                if let Some(Value::Capabilities(set)) = self.value("CapabilityBoundingSet") {
                    let left = set & !bits;
                    self.replace("CapabilityBoundingSet", Value::Capabilities(left));
                }
            }
        }
        if self.is_on("DynamicUser") {
            self.imply_dynamic_user(unit);
        }
        if self.is_on("PrivateDevices") && self.text("DevicePolicy") == Some("auto") {
            self.replace("DevicePolicy", Value::Word("closed"));
        }
        self.imply_devices();
    }

    fn imply_dynamic_user(&mut self, unit: &UnitName) {
        if self.text("User").is_none() {
            let name =
                if is_strict_name(unit.prefix) { unit.prefix.to_owned() } else { format!("_du-{}", unit.prefix) };
            self.replace("User", Value::Text(Some(name)));
        }
        if !self.is_on("PrivateTmp") {
            let word = if self.version.number() >= 257 { "disconnected" } else { "yes" };
            self.replace("PrivateTmp", Value::Word(word));
        }
        if self.text("ProtectHome") == Some("no") {
            self.replace("ProtectHome", Value::Word("read-only"));
        }
        self.replace("ProtectSystem", Value::Word("strict"));
        for flag in ["RemoveIPC", "NoNewPrivileges", "RestrictSUIDSGID"] {
            self.replace(flag, Value::Flag(true));
        }
    }

    /// Devices that other directives need, added only where some list closes the rest.
    fn imply_devices(&mut self) {
        if self.text("DevicePolicy") == Some("auto") && self.count("DeviceAllow") == 0 {
            return;
        }
        let version = self.version.number();
        let encrypted = ["LoadCredentialEncrypted", "SetCredentialEncrypted"]
            .into_iter()
            .any(|name| matches!(self.value(name), Some(Value::Credentials(held)) if !held.is_empty()));
        let image =
            self.text("RootImage").is_some() || self.text("RootMStack").is_some() || self.count("MountImages") > 0;
        let added = [
            (image, "block-loop rwm"),
            (self.is_on("ProtectClock"), "char-rtc r"),
            (encrypted && version < 254, "/dev/tpmrm0 rw"),
            (encrypted && (254..258).contains(&version), "char-tpm rw"),
        ];
        let added = added.into_iter().filter(|(needed, _)| *needed).map(|(_, device)| device.to_owned());
        if let Some(Value::List(devices)) = self.held.value_mut("DeviceAllow") {
            devices.extend(added);
        }
    }

    /// What a service must have, and must not have together (`service_verify()` of src/core/service.c).
    fn verify(&self) -> Result<(), LoadError> {
        let refuse = |wrong: bool, message| if wrong { Err(LoadError::Verify(message)) } else { Ok(()) };
        let starts = self.count("ExecStart");
        let acts = self.text("SuccessAction") != Some("none");
        let bus = self.text("BusName").is_some();
        let kind = match self.text("Type").unwrap_or_default() {
            "" if bus => "dbus",
            "" if self.version.number() >= 255 && self.has_credentials() => "exec",
            "" if starts > 0 => "simple",
            "" => "oneshot",
            kind => kind,
        };
        let oneshot = kind == "oneshot";
        let restart = self.text("Restart").unwrap_or_default();
        let kills_all = matches!(self.text("KillMode"), Some("control-group" | "mixed"));
        refuse(
            starts == 0 && self.count("ExecStop") == 0 && !acts,
            "the service has neither ExecStart= nor ExecStop= nor SuccessAction=",
        )?;
        refuse(!oneshot && starts == 0, "a service without ExecStart= must be of Type=oneshot")?;
        refuse(
            starts == 0 && !self.is_on("RemainAfterExit") && !acts,
            "a service without ExecStart= must have RemainAfterExit=yes or SuccessAction=",
        )?;
        refuse(!oneshot && starts > 1, "more than one ExecStart= is for Type=oneshot alone")?;
        refuse(
            oneshot && matches!(restart, "always" | "on-success"),
            "Restart=always and Restart=on-success are not for Type=oneshot",
        )?;
        refuse(oneshot && self.text("ExitType") == Some("cgroup"), "ExitType=cgroup is not for Type=oneshot")?;
        // Measured: 254 refuses it, 257 does not.
        let forced = self.count("RestartForceExitStatus") > 0 && self.version.number() < 255;
        refuse(oneshot && forced, "RestartForceExitStatus= is not for Type=oneshot")?;
        refuse(kind == "dbus" && !bus, "Type=dbus needs BusName=")?;
        refuse(
            self.text("PAMName").is_some() && !kills_all,
            "PAMName= needs KillMode=control-group or KillMode=mixed",
        )?;
        refuse(kind == "forking" && self.is_on("PrivatePIDs"), "PrivatePIDs=yes is not for Type=forking")?;
        self.verify_together().map_or(Ok(()), |message| Err(LoadError::Verify(message)))
    }

    /// What newer versions refuse together (`unit_verify_contexts()` of src/core/unit.c). Measured on 257 and 262.
    fn verify_together(&self) -> Option<&'static str> {
        let version = self.version.number();
        let directory = self.text("WorkingDirectory").unwrap_or_default();
        let below =
            |top: &&str| directory.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let managed = self.text("PrivateUsers") == Some("managed");
        let another_user =
            self.is_on("DynamicUser") || ["User", "Group", "PAMName"].iter().any(|name| self.text(name).is_some());
        let refused = [
            (
                version >= 255 && self.is_on("DynamicUser") && directory == "~",
                "WorkingDirectory=~ and DynamicUser=yes exclude each other",
            ),
            (
                version >= 255 && ["/proc", "/sys", "/dev"].iter().any(below) && self.has_mount_namespace(),
                "WorkingDirectory= cannot be below /proc, /sys or /dev in a mount namespace",
            ),
            (
                version >= 258 && self.is_on("PrivatePIDs") && self.text("PAMName").is_some(),
                "PAMName= and PrivatePIDs=yes exclude each other",
            ),
            (managed && another_user, "PrivateUsers=managed excludes User=, Group=, DynamicUser= and PAMName="),
            (
                self.text("UserNamespacePath").is_some() && self.is_on("PrivateUsers"),
                "PrivateUsers= and UserNamespacePath= exclude each other",
            ),
        ];
        refused.into_iter().find_map(|(wrong, message)| wrong.then_some(message))
    }

    /// Whether credentials are handed over; measured: 257 then takes the type for exec, 254 does not.
    fn has_credentials(&self) -> bool {
        let sets = ["LoadCredential", "LoadCredentialEncrypted", "SetCredential", "SetCredentialEncrypted"];
        let held = |name: &&str| matches!(self.value(name), Some(Value::Credentials(held)) if !held.is_empty());
        sets.iter().any(held) || self.count("ImportCredential") > 0
    }

    /// Whether the service gets mounts of its own (`exec_needs_mount_namespace()` of src/core/execute.c).
    fn has_mount_namespace(&self) -> bool {
        let private_tmp = match self.text("PrivateTmp") {
            Some("disconnected") => true,
            // Measured: 257 does not count it, 262 does.
            Some("yes") => self.version.number() >= 258,
            _ => false,
        };
        let network = self.is_on("PrivateNetwork") || self.text("NetworkNamespacePath").is_some();
        let open = matches!(self.value("PrivateMounts"), Some(Value::Tristate(None)));
        MOUNTING_FLAGS.iter().any(|name| self.is_on(name))
            || MOUNTING_LISTS.iter().any(|name| self.count(name) > 0)
            || MOUNTING_PATHS.iter().any(|name| self.text(name).is_some())
            || private_tmp
            || (network && open)
            || self.text("ProtectProc") != Some("default")
            || self.text("ProcSubset") != Some("all")
            || matches!(self.text("MountFlags"), Some("slave" | "private"))
    }
}

/// Directives that bring a mount namespace when they are on.
static MOUNTING_FLAGS: &[&str] = &[
    "PrivateDevices",
    "PrivateMounts",
    "ProtectSystem",
    "ProtectHome",
    "ProtectKernelTunables",
    "ProtectKernelModules",
    "ProtectKernelLogs",
    "ProtectControlGroups",
    "PrivateIPC",
    "PrivatePIDs",
    "PrivateBPF",
    "BindLogSockets",
];

/// The same, when they hold something.
static MOUNTING_LISTS: &[&str] = &[
    "ReadWritePaths",
    "ReadOnlyPaths",
    "InaccessiblePaths",
    "ExecPaths",
    "NoExecPaths",
    "BindPaths",
    "BindReadOnlyPaths",
    "TemporaryFileSystem",
    "MountImages",
    "ExtensionImages",
    "ExtensionDirectories",
];

/// The same, when they name something.
static MOUNTING_PATHS: &[&str] = &["RootImage", "RootMStack", "IPCNamespacePath", "LogNamespace"];

/// Capabilities that a directive takes out of the bounding set.
static DROPPED: [(&str, &[&str]); 4] = [
    ("PrivateDevices", &["CAP_MKNOD", "CAP_SYS_RAWIO"]),
    ("ProtectKernelModules", &["CAP_SYS_MODULE"]),
    ("ProtectKernelLogs", &["CAP_SYSLOG"]),
    ("ProtectClock", &["CAP_SYS_TIME", "CAP_WAKE_ALARM"]),
];
