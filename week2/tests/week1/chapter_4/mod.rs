//! Chapter 1.4: sorted string tables, and the cache of their blocks.

mod builder;
mod cache;
mod damage;
mod faults;
mod footer;
mod lookup;
mod model;
mod scan;
mod support;

mod regressions {
    use lsm::table::TableBuilder;
    use lsm::{Error, Result};

    use super::support::Fixture;

    /// A table's file is made anew or not at all: nothing is ever overwritten.
    ///
    /// Hint: `TableBuilder::create` is given. It leaves the decision to `Disk::create`.
    ///
    /// Book: week1/4-tables.md#task-2-the-builder
    #[test]
    fn a_file_that_exists_is_not_overwritten() {
        let fixture = Fixture::new();
        let path = Fixture::path(1);
        fixture.disk.set_contents(&path, b"somebody's");
        let outcome: Result<TableBuilder> = TableBuilder::create(&path, &fixture.resources);
        assert!(matches!(outcome, Err(Error::Io { .. })), "creating a table where a file exists gave {outcome:?}");
        assert_eq!(fixture.disk.contents(&path).as_deref(), Some(&b"somebody's"[..]), "the file that was there");
    }
}
