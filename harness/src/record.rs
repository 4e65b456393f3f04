//! What a service uses, seen from outside while it runs: system calls, files, addresses, devices, programs.
//!
//! A [`Recorder`] makes the files that are added to a machine in which a unit is recorded: a drop-in that starts the
//! service's commands through the prober, and the units of the recorder itself, which traces them. Nothing is installed in
//! the image, and the service stays the main process that systemd knows (see `prober/recorder.rs` for how, for what it costs and
//! for what a service can notice). After the service has run, or while it runs, [`Recorder::read`] gives a [`Recording`], and
//! [`suggestion::suggestions`] says what in it the metadata of a package has a word for.
//!
//! The unit should allow everything: what a sandbox refuses, a service may not try a second time. It never holds the
//! capabilities that reach the host, which no recording is worth: the drop-in takes them away.

mod address;
mod decode;
mod reading;
mod recorder;
mod recording;
pub mod suggestion;

pub use address::Address;
pub use decode::{Malformed, UNWATCHED};
pub use recorder::{RecordError, Recorder};
pub use recording::{Act, AddressUse, FileUse, How, Recording, SocketUse, Used};
