//! The tables in the documentation and the tests hold each other.

use std::collections::BTreeSet;

type Names = BTreeSet<&'static str>;

/// The tests that the last column of a page's tables names.
fn named(page: &'static str) -> Names {
    let rows = page.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    let cells = rows.filter_map(|row| row.rsplit('|').next());
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.filter(|name| name.contains('_')).collect()
}

/// The tests in a file.
fn tests(source: &'static str) -> Names {
    let tests = source.split("#[test]\nfn ").skip(1);
    tests.filter_map(|test| test.split('(').next()).collect()
}

/// Each test of `own` stands on the page, and what else stands there is a test of `others`.
fn hold_each_other(page: &'static str, own: &'static str, others: &'static str) {
    let (named, own) = (named(page), tests(own));
    assert!(own.len() > 5, "{own:?}");
    assert_eq!(&own - &named, Names::new(), "tests without a line");
    assert_eq!(&(&named - &own) - &tests(others), Names::new(), "lines without a test");
}

#[test]
fn each_threat_has_its_test() {
    let page = include_str!("../../../docs/security.md");
    hold_each_other(page, include_str!("security.rs"), include_str!("fault_orders.rs"));
}

#[test]
fn each_limit_has_its_test() {
    let page = include_str!("../../../docs/session-server.md");
    hold_each_other(page, include_str!("limits.rs"), include_str!("append.rs"));
}
