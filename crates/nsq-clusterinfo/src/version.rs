//! Which of two versions is the older one.

use std::cmp::Ordering;

/// A version by the precedence of semver.org; what is none is 0.0.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    numbers: [u64; 3],
    /// The identifiers behind the hyphen; a version without any is newer.
    pre: Vec<Identifier>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Text(String),
}

impl Version {
    /// Reads a version.
    pub fn parse(text: &str) -> Self {
        Self::read(text).unwrap_or(Self {
            numbers: [0; 3],
            pre: Vec::new(),
        })
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.split('+').next()?;
        let (numbers, pre) = match text.split_once('-') {
            Some((numbers, pre)) => (numbers, Some(pre)),
            None => (text, None),
        };
        let mut parts = numbers.split('.').map(number);
        let numbers = [parts.next()??, parts.next()??, parts.next()??];
        if parts.next().is_some() {
            return None;
        }
        let pre = pre.map_or_else(Vec::new, |pre| {
            pre.split('.')
                .map(|part| {
                    number(part).map_or_else(|| Identifier::Text(part.to_owned()), Identifier::Number)
                })
                .collect()
        });
        Some(Self { numbers, pre })
    }
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| self.pre.is_empty().cmp(&other.pre.is_empty()))
            .then_with(|| self.pre.cmp(&other.pre))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_semver_orders_them() {
        let ascending = [
            "nonsense",
            "0.2.31",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.2.1",
            "1.3.0-alpha",
            "1.3.0",
            "1.10.0",
        ];
        for pair in ascending.windows(2) {
            assert!(Version::parse(pair[0]) < Version::parse(pair[1]), "{pair:?}");
        }
        assert_eq!(Version::parse("1.3.0+build"), Version::parse("1.3.0"));
        assert_eq!(Version::parse("1.3"), Version::parse(""));
    }
}
