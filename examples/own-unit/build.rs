//! Writes the units that follow from Cargo.toml to where the program includes them from.

fn main() -> Result<(), sandbox_unit::cargo::CargoError> {
    let units = sandbox_unit::cargo::units(env!("CARGO_MANIFEST_DIR"))?;
    units.rerun_if_changed();
    units.write_to_out_dir()
}
