//! One entry per flag.

use std::fmt;

use crate::{ConfigValue, Value, hide_secrets};

/// Where a flag's value lives in a program's options. Made by [`field!`](crate::field).
pub struct Field<O: 'static> {
    #[doc(hidden)]
    pub get: fn(&O) -> &dyn Value,
    #[doc(hidden)]
    pub get_mut: fn(&mut O) -> &mut dyn Value,
}

/// Names a field of the options that a [`Table`](crate::Table) is about.
///
/// The field's type decides how the flag reads and shows. Where the compiler cannot tell which options are
/// meant, because a method is called on the flag, an alias `type Row = Flag<Options>` names them.
#[macro_export]
macro_rules! field {
    ($($path:ident).+) => {
        $crate::Field {
            get: |options| &options.$($path).+,
            get_mut: |options| &mut options.$($path).+,
        }
    };
}

impl<O> Clone for Field<O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for Field<O> {}

impl<O> fmt::Debug for Field<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Field")
    }
}

/// One flag: its names, its help, and where its value lands.
///
/// Its type and default are those of the field.
pub struct Flag<O: 'static> {
    name: &'static str,
    help: &'static str,
    field: Field<O>,
    option: Option<OptionNames>,
    documented_default: Option<&'static str>,
    holds_urls: bool,
}

/// What a flag is called outside the command line.
#[derive(Clone, Copy, Debug)]
struct OptionNames {
    /// The key in the configuration file, where it is not the flag's name with underscores.
    key: Option<&'static str>,
    /// Upstream's name for the field, which its conversion errors show.
    upstream: &'static str,
}

impl<O> Flag<O> {
    /// A flag of the command line only.
    pub const fn new(name: &'static str, field: Field<O>, help: &'static str) -> Self {
        Self {
            name,
            help,
            field,
            option: None,
            documented_default: None,
            holds_urls: false,
        }
    }

    /// A flag that is also an option of the configuration file, under its name with underscores, and
    /// that can be asked for over HTTP. `upstream` is the name that conversion errors show.
    pub const fn option(
        name: &'static str,
        field: Field<O>,
        upstream: &'static str,
        help: &'static str,
    ) -> Self {
        let mut flag = Self::new(name, field, help);
        flag.option = Some(OptionNames { key: None, upstream });
        flag
    }

    /// Gives an option a key of its own in the configuration file.
    ///
    /// # Panics
    /// While compiling, if the flag is not an option.
    pub const fn key(mut self, key: &'static str) -> Self {
        match &mut self.option {
            Some(option) => option.key = Some(key),
            None => panic!("a flag of the command line only has no key"),
        }
        self
    }

    /// Says in the reference where the default comes from, if it differs between machines.
    pub const fn documented_default(mut self, words: &'static str) -> Self {
        self.documented_default = Some(words);
        self
    }

    /// Says that the values are URLs, which are answered over HTTP without the [secrets](hide_secrets) in them.
    pub const fn holds_urls(mut self) -> Self {
        self.holds_urls = true;
        self
    }

    /// The name without dashes in front.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What the flag does, for the usage text and the reference.
    pub const fn help(&self) -> &'static str {
        self.help
    }

    /// The key in the configuration file, if it can be set there.
    pub fn file_key(&self) -> Option<String> {
        let option = self.option?;
        Some(match option.key {
            Some(key) => key.to_owned(),
            None => self.name.replace('-', "_"),
        })
    }

    /// Whether `key` is this option's key in the configuration file.
    pub fn has_key(&self, key: &str) -> bool {
        self.file_key().is_some_and(|own| own == key)
    }

    /// The name that conversion errors show.
    pub(crate) fn upstream(&self) -> &'static str {
        self.option.map_or(self.name, |option| option.upstream)
    }

    pub(crate) const fn documented_default_words(&self) -> Option<&'static str> {
        self.documented_default
    }

    /// The flag's value in `options`.
    pub fn value<'a>(&self, options: &'a O) -> &'a dyn Value {
        (self.field.get)(options)
    }

    /// The flag's value in `options`, to change it.
    pub fn value_mut<'a>(&self, options: &'a mut O) -> &'a mut dyn Value {
        (self.field.get_mut)(options)
    }
}

impl<O> fmt::Debug for Flag<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flag")
            .field("name", &self.name)
            .field("key", &self.file_key())
            .finish_non_exhaustive()
    }
}

/// All flags of a program. `O` holds their values, and its default their defaults.
pub struct Table<O: 'static> {
    flags: &'static [Flag<O>],
}

impl<O> Table<O> {
    /// A table of `flags`, in the order in which upstream resolves and reports them.
    pub const fn new(flags: &'static [Flag<O>]) -> Self {
        Self { flags }
    }

    /// The flags, in the table's order.
    pub const fn flags(&self) -> &'static [Flag<O>] {
        self.flags
    }

    /// The flag called `name`.
    pub fn flag(&self, name: &str) -> Option<&'static Flag<O>> {
        self.flags.iter().find(|flag| flag.name == name)
    }

    /// The option that the configuration file knows as `key`, as `GET /config/<key>` answers it.
    pub fn config_value(&self, options: &O, key: &str) -> Option<ConfigValue> {
        let flag = self.flags.iter().find(|flag| flag.has_key(key))?;
        let value = flag.value(options).config_value();
        Some(if flag.holds_urls {
            without_secrets(value)
        } else {
            value
        })
    }
}

fn without_secrets(value: ConfigValue) -> ConfigValue {
    let hide = |text: String| hide_secrets(&text).into_owned();
    match value {
        ConfigValue::Text(text) => ConfigValue::Text(hide(text)),
        ConfigValue::Texts(texts) => {
            ConfigValue::Texts(texts.map(|texts| texts.into_iter().map(hide).collect()))
        }
        value => value,
    }
}

impl<O> fmt::Debug for Table<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.flags).finish()
    }
}
