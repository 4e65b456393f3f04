//! Where tables are in a Cargo.toml, however they are written: below headers, by dotted keys, or between braces.

use super::{ROOT, SECTION};
use toml_edit::{Document, InlineTable, Item, Table, TableLike, Value};

/// A table, however it is written.
#[derive(Clone, Copy)]
pub(super) enum Node<'a> {
    Table(&'a Table),
    Inline(&'a InlineTable),
}

impl<'a> Node<'a> {
    pub(super) fn of(item: &'a Item) -> Option<Self> {
        match item {
            Item::Table(table) => Some(Self::Table(table)),
            Item::Value(Value::InlineTable(table)) => Some(Self::Inline(table)),
            _ => None,
        }
    }

    pub(super) fn get(self, name: &str) -> Option<&'a Item> {
        match self {
            Self::Table(table) => table.get(name),
            Self::Inline(table) => TableLike::get(table, name),
        }
    }

    /// Whether it exists only by the names of keys: `a` in `a.b = 1`.
    pub(super) fn is_dotted(self) -> bool {
        match self {
            Self::Table(table) => table.is_dotted(),
            Self::Inline(table) => table.is_dotted(),
        }
    }

    /// Whether it has no header of its own, but another table's header names it.
    pub(super) fn is_implicit(self) -> bool {
        matches!(self, Self::Table(table) if table.is_implicit() && !table.is_dotted())
    }
}

/// The tables on the way to where something belongs, as far as they are there; the first is the file.
pub(super) struct Way<'a> {
    pub(super) nodes: Vec<Node<'a>>,
}

impl<'a> Way<'a> {
    pub(super) fn to(document: &'a Document<&str>, path: &[&str]) -> Self {
        let mut nodes = vec![Node::Table(document.as_table())];
        let mut present = Node::Table(document.as_table());
        for name in path {
            let Some(next) = present.get(name).and_then(Node::of) else { break };
            nodes.push(next);
            present = next;
        }
        Self { nodes }
    }

    /// How many names of the path are there.
    pub(super) fn depth(&self) -> usize {
        self.nodes.len() - 1
    }

    pub(super) fn last(&self) -> Node<'a> {
        self.nodes[self.depth()]
    }

    /// The last table that a line can be written into with the remaining names, and how deep it is.
    pub(super) fn home(&self) -> usize {
        self.nodes.iter().rposition(|node| !node.is_dotted()).unwrap_or_default()
    }

    /// The outermost table between braces: the line that it stands on is the one to put a comment above.
    pub(super) fn braces(&self) -> Option<&'a InlineTable> {
        self.nodes.iter().find_map(|node| match node {
            Node::Inline(table) if !table.is_dotted() => Some(*table),
            _ => None,
        })
    }
}

/// Whether the user writes such tables as keys with dots, or between braces, and not below headers.
pub(super) fn keeps_to_keys(way: &Way, parents: &[&str]) -> bool {
    let depth = way.depth();
    let Node::Table(last) = way.last() else { return true };
    if last.is_dotted() {
        return depth >= SECTION;
    }
    // `[package.metadata.sandbox-unit.service]`, and each service a line.
    let names_services = depth == ROOT.len() && parents.len() > depth && !last.is_implicit();
    names_services
        && !last.is_empty()
        && last.iter().all(|(_, item)| Node::of(item).is_some_and(|node| !is_headed(node)))
}

fn is_headed(node: Node) -> bool {
    matches!(node, Node::Table(table) if !table.is_dotted())
}

/// The end of the last line of a table, with the tables below it or without.
pub(super) fn end_of(table: &Table, deep: bool) -> usize {
    let own = table.span().map_or(0, |span| span.end);
    let ends = table.iter().map(|(_, item)| match item {
        Item::Value(value) => value.span().map_or(0, |span| span.end),
        Item::Table(table) if deep || table.is_dotted() => end_of(table, deep),
        Item::ArrayOfTables(list) if deep => list.iter().map(|table| end_of(table, true)).max().unwrap_or_default(),
        _ => 0,
    });
    // A table that only names made has its span at the first of them; the values are behind it.
    ends.chain([own]).max().unwrap_or_default()
}

/// The end of the last value between braces.
pub(super) fn end_of_inline(table: &InlineTable) -> Option<usize> {
    let ends = table.iter().filter_map(|(_, value)| match value {
        Value::InlineTable(inner) if inner.is_dotted() => end_of_inline(inner),
        value => value.span().map(|span| span.end),
    });
    ends.max()
}

/// Where the first header of a table's children begins.
pub(super) fn first_header(table: &Table) -> Option<usize> {
    let starts = table.iter().filter_map(|(_, item)| match item {
        Item::Table(table) if table.is_implicit() => first_header(table),
        Item::Table(table) => table.span().map(|span| span.start),
        Item::ArrayOfTables(list) => list.iter().filter_map(|table| table.span()).map(|span| span.start).min(),
        _ => None,
    });
    starts.min()
}
