//! Single members of a JSON object, without building a tree of it.

use trigger_chat_stream::json::{Scanned, Scanner};

/// The values of an object's members of these names, as they stand.
pub(super) fn members<'a, const N: usize>(
    object: &'a str,
    names: [&str; N],
) -> Scanned<[Option<&'a str>; N]> {
    let mut values = [None; N];
    collect_members(object, &names, &mut values)?;
    Ok(values)
}

/// The work of [`members`], once for every count of names.
fn collect_members<'a>(
    object: &'a str,
    names: &[&str],
    values: &mut [Option<&'a str>],
) -> Scanned<()> {
    let mut scanner = Scanner::new(object);
    let mut items = scanner.enter_object()?;
    while let Some(key) = scanner.next_key(&mut items)? {
        let value = scanner.value()?;
        for (name, place) in names.iter().zip(values.iter_mut()) {
            if key.is(name) {
                *place = Some(value);
            }
        }
    }
    Ok(())
}
