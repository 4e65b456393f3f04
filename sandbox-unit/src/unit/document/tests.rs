use super::*;

fn read(bytes: &[u8]) -> Vec<(String, String, String)> {
    let document = Document::parse(bytes);
    assert_eq!(document.render(), bytes);
    let entries = document.entries().iter();
    entries.map(|entry| (document.section(entry).to_owned(), entry.key.clone(), entry.value.clone())).collect()
}

fn values(bytes: &[u8]) -> Vec<String> {
    read(bytes).into_iter().map(|(_, key, value)| format!("{key}={value}")).collect()
}

fn refused(bytes: &[u8]) -> Option<Refused> {
    let document = Document::parse(bytes);
    assert_eq!(document.render(), bytes);
    document.refused().cloned()
}

#[test]
fn comments_and_blanks_are_skipped_and_keys_trimmed() {
    assert_eq!(values(b"[S]\n # a=b\n;c=d\n\n  key \t= value # not a comment \n"), ["key=value # not a comment"]);
    assert_eq!(values(b"[S]\na=b=c\n"), ["a=b=c"]);
}

#[test]
fn an_odd_backslash_continues_and_an_even_one_does_not() {
    assert_eq!(values(b"[S]\na=b \\\n  c\n"), ["a=b    c"]);
    assert_eq!(values(b"[S]\na=b\\\\\nc=d\n"), ["a=b\\\\", "c=d"]);
    assert_eq!(values(b"[S]\na=b\\\\\\\nc\n"), ["a=b\\\\ c"]);
    assert_eq!(values(b"[S]\na=b\\\n# between \\\n;too\nc\n"), ["a=b c"]);
    assert_eq!(values(b"[S]\na=b\\\n\nc=d\n"), ["a=b", "c=d"]);
    assert_eq!(values(b"[S]\na=b\\"), ["a=b"]);
}

#[test]
fn every_line_end_and_mark_is_taken() {
    assert_eq!(values(b"\xef\xbb\xbf[S]\r\na=b\r\nc=d\0e=f\rg=h"), ["a=b", "c=d", "e=f", "g=h"]);
    assert_eq!(values(b"# c\n[S]\n\xef\xbb\xbfa=b\n"), ["a=b"]);
    assert_eq!(values(b"\xef\xbb\xbf[S]\n\xef\xbb\xbfa=b\n"), ["\u{feff}a=b"]);
}

#[test]
fn sections_repeat_and_strays_are_remarked() {
    let document = Document::parse(b"x=y\n[A]\na=1\n[B]\nnothing\n=v\n[A]\nb=2\n".as_slice());
    let kinds: Vec<_> = document.remarks().iter().map(|remark| (remark.kind, remark.line)).collect();
    assert_eq!(kinds, [(RemarkKind::OutsideSection, 1), (RemarkKind::NoEquals, 5), (RemarkKind::NoKey, 6)]);
    assert_eq!(document.entries().iter().map(|entry| document.section(entry)).collect::<Vec<_>>(), ["A", "A"]);
    assert_eq!(document.headers().map(|(name, _)| name).collect::<Vec<_>>(), ["A", "B", "A"]);
}

#[test]
fn what_systemd_refuses_is_refused_and_what_came_before_is_kept() {
    assert_eq!(refused(b"[S]\na=\xff\n"), Some(Refused::NotUtf8 { line: 2 }));
    assert_eq!(refused(b"# caf\xe9\n[S]\na=b\n"), None);
    assert_eq!(refused(b"[S\n"), Some(Refused::UnclosedHeader { line: 1 }));
    assert_eq!(refused(b"[S] # x\n"), Some(Refused::UnclosedHeader { line: 1 }));
    assert_eq!(refused(b"["), Some(Refused::UnclosedHeader { line: 1 }));
    assert_eq!(refused(b"[S\"]\n"), Some(Refused::UnsafeHeader { line: 1 }));
    assert_eq!(values(b"[S]\na=b\n[X\nc=d\n"), ["a=b"]);
}

#[test]
fn the_longest_line_is_one_mebibyte() {
    let long = |length: usize| [b"[S]\na=".to_vec(), vec![b'x'; length - 2], b"\n".to_vec()].concat();
    assert_eq!(refused(&long(LONGEST_LINE - 1)), None);
    assert_eq!(refused(&long(LONGEST_LINE)), Some(Refused::LineTooLong { line: 2 }));
    let continued = "[S]\na=".to_owned() + &"x \\\n".repeat(LONGEST_LINE / 3 + 1);
    assert!(matches!(refused(continued.as_bytes()), Some(Refused::LineTooLong { .. })));
}

#[test]
fn entries_know_where_they_stand() {
    let text = "[S]\n  key = one \\\n   two\nlast=é x\n";
    let document = Document::parse(text.as_bytes());
    let entry = &document.entries()[0];
    assert_eq!((entry.line, entry.column, entry.value.as_str()), (2, 3, "one     two"));
    assert_eq!(&text[entry.span.clone()], "  key = one \\\n   two\n");
    assert_eq!(&text[entry.key_span.clone()], "key");
    assert_eq!(&text[entry.value_span(0..3)], "one");
    assert_eq!(&text[entry.value_span(8..11)], "two");
    assert_eq!(document.position(entry.place(8)), (3, 4));
    let last = &document.entries()[1];
    assert_eq!(&text[last.value_span(0..2)], "é");
    assert_eq!(document.position(last.place(3)), (4, 8));
}

#[test]
fn nothing_is_masked_but_an_empty_file() {
    assert!(Document::parse(b"".as_slice()).is_masked() && !Document::parse(b"\n".as_slice()).is_masked());
}
