//! The proof as one page for a browser, which needs nothing but itself: every setting against every probe.

use super::{Attempted, Proof, ProofResult, SettingProof, UnitProof};
use std::collections::HashSet;
use std::fmt::{self, Write};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// The whole page.
#[must_use]
pub fn render(proof: &Proof) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _infallible = write_page(&mut text, proof);
    text
}

/// Text as HTML shows it, in elements and in quoted attributes.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                _ => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

fn write_page(out: &mut String, proof: &Proof) -> fmt::Result {
    let names: Vec<&str> = proof.units.iter().map(|unit| unit.unit.as_str()).collect();
    let title = format!("What each setting is for: {}", names.join(", "));
    let machine = &proof.machine;
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<h1>{title}</h1>\n<p>Seen on systemd {} ({}, {}, kernel {}).</p>\n",
        machine.systemd,
        Text(&machine.engine),
        Text(&machine.image),
        Text(&machine.kernel),
        title = Text(&title),
    )?;
    write_controls(out)?;
    for unit in &proof.units {
        write_unit(out, unit)?;
    }
    write!(out, "<script>\n{SCRIPT}</script>\n</body>\n</html>\n")
}

/// The result as a class, and as the value of a filter.
fn class(result: ProofResult) -> String {
    result.words().replace(' ', "-")
}

fn write_controls(out: &mut String) -> fmt::Result {
    writeln!(
        out,
        "<form id=\"filter\">\n<label>Settings <input type=\"search\" name=\"setting\" placeholder=\"ProtectSystem\"></label>\n\
         <label>Probes <input type=\"search\" name=\"probe\" placeholder=\"write-usr\"></label>\n<fieldset><legend>Results</legend>"
    )?;
    for result in ProofResult::ALL {
        writeln!(
            out,
            "<label><input type=\"checkbox\" name=\"result\" value=\"{}\" checked> {}</label>",
            class(result),
            result.words()
        )?;
    }
    writeln!(
        out,
        "</fieldset>\n<label><input type=\"checkbox\" name=\"used\" checked> only probes that some setting stops</label>\n</form>\n\
         <p class=\"legend\"><span class=\"cell n\">●</span> goes through without it \
         <span class=\"cell s\">○</span> it stops this alone, and others of the unit do, too \
         <span class=\"cell x\"></span> the control failed: no refusal counts</p>\n\
         <p id=\"pointed\" role=\"status\">Point at a cell.</p>"
    )
}

fn write_unit(out: &mut String, unit: &UnitProof) -> fmt::Result {
    let counts = &unit.summary;
    writeln!(
        out,
        "<section>\n<h2>{}</h2>\n<p>{} settings: <b>{}</b> necessary, <b>{}</b> covered, <b>{}</b> implied, <b>{}</b> without \
         effect, <b>{}</b> not testable here, <b>{}</b> unexplained. {} trials with {} probes.</p>",
        Text(&unit.unit),
        unit.settings.len(),
        counts.necessary,
        counts.covered,
        counts.implied,
        counts.no_effect,
        counts.not_testable,
        counts.unexplained,
        unit.trials,
        unit.probes.len()
    )?;
    write_matrix(out, unit)?;
    write_settings(out, unit)?;
    writeln!(out, "</section>")
}

fn write_matrix(out: &mut String, unit: &UnitProof) -> fmt::Result {
    let used: HashSet<&str> = unit
        .settings
        .iter()
        .flat_map(|setting| setting.stops.iter().chain(&setting.lets_through))
        .map(String::as_str)
        .collect();
    writeln!(
        out,
        "<div class=\"scroll\">\n<table class=\"matrix\">\n<caption>{}: every setting against every probe</caption>\n<thead>\n<tr>\
         <th scope=\"col\">Setting</th>",
        Text(&unit.unit)
    )?;
    for probe in &unit.probes {
        let idle = if used.contains(probe.id.as_str()) { "" } else { " data-idle" };
        writeln!(
            out,
            "<th scope=\"col\" data-action=\"{}\" data-bare=\"{}\" data-full=\"{}\"{idle}><span>{}</span></th>",
            Text(&probe.action),
            Text(&probe.bare),
            Text(&probe.full),
            Text(&probe.id)
        )?;
    }
    writeln!(out, "</tr>\n</thead>\n<tbody>")?;
    for setting in &unit.settings {
        write_row(out, setting, &unit.probes)?;
    }
    writeln!(out, "</tbody>\n</table>\n</div>")
}

fn write_row(out: &mut String, setting: &SettingProof, probes: &[Attempted]) -> fmt::Result {
    let through: HashSet<&str> = setting.lets_through.iter().map(String::as_str).collect();
    let stops: HashSet<&str> = setting.stops.iter().map(String::as_str).collect();
    write!(out, "<tr data-result=\"{}\"><th scope=\"row\">{}</th>", class(setting.result), Text(&setting.directive))?;
    for probe in probes {
        let id = probe.id.as_str();
        out.push_str(match (probe.controlled, through.contains(id), stops.contains(id)) {
            (false, ..) => "<td class=\"x\">",
            (true, true, _) => "<td class=\"n\">●",
            (true, false, true) => "<td class=\"s\">○",
            (true, false, false) => "<td>",
        });
    }
    writeln!(out, "</tr>")
}

fn write_settings(out: &mut String, unit: &UnitProof) -> fmt::Result {
    writeln!(
        out,
        "<div class=\"scroll\">\n<table class=\"settings\">\n<caption>{}: what each setting is</caption>\n<thead><tr>\
         <th scope=\"col\">Setting</th><th scope=\"col\">Value</th><th scope=\"col\">Result</th><th scope=\"col\">By</th>\
         <th scope=\"col\">Shown by</th><th scope=\"col\">Why</th></tr></thead>\n<tbody>",
        Text(&unit.unit)
    )?;
    for setting in &unit.settings {
        writeln!(
            out,
            "<tr data-result=\"{class}\"><th scope=\"row\">{}</th><td class=\"value\">{}</td><td class=\"{class}\">{}</td>\
             <td>{}</td><td>{}</td><td>{}</td></tr>",
            Text(&setting.directive),
            Text(&setting.value),
            setting.result.words(),
            Text(&setting.by.join(", ")),
            Text(&setting.probes.join(", ")),
            Text(&setting.why),
            class = class(setting.result),
        )?;
    }
    writeln!(out, "</tbody>\n</table>\n</div>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::prove::example;

    #[test]
    fn the_page_holds_every_setting_and_probe_and_no_markup_of_others() {
        let page = render(&example());
        assert!(page.contains("<tr data-result=\"unexplained\"><th scope=\"row\">LockPersonality</th>"), "{page}");
        assert!(page.contains("none of 4 &lt;probes&gt; &amp; none") && !page.contains("<probes>"), "{page}");
        assert!(page.contains("data-action=\"do &quot;one&quot;\""), "{page}");
        // Necessary, no control, nothing to do with it.
        assert!(page.contains("ProtectHome</th><td class=\"n\">●<td class=\"x\"><td></tr>"), "{page}");
        assert!(page.contains("ProtectClock</th><td class=\"s\">○<td class=\"x\"><td></tr>"), "{page}");
        // No setting stops it: it is hidden at first.
        assert!(
            page.contains("data-idle><span>three</span>") && !page.contains("data-idle><span>one</span>"),
            "{page}"
        );
    }
}
