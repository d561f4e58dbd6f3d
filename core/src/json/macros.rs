//! How a type says what it looks like in JSON: its fields, its words.

/// How a struct is read from an object: `from_json! { strict Lease { id, base_url as "baseUrl" = None } }`.
///
/// A field without `=` must be there. `strict`: other fields are wrong; `open`: they are passed over.
macro_rules! from_json {
    ($mode:ident $type:ident { $($field:ident $(as $name:literal)? $(= $default:expr)?),* $(,)? }) => {
        impl $crate::json::FromJson for $type {
            fn blank() -> Self {
                Self { $($field: $crate::json::blank!($($default)?)),* }
            }

            fn read(&mut self, from: &mut $crate::json::Reader<'_>) -> Result<(), $crate::json::Wrong> {
                from.fields(&$crate::json::expected!($mode $($field $($name)? $(= $default)?,)*), &mut [$(&mut self.$field),*])
            }
        }
    };
}

/// Reads an object into a variant: `variant!(from, Self::Lease { id, model = None })`. All its fields are known: it is strict.
macro_rules! variant {
    ($from:ident, $type:ident::$variant:ident { $($field:ident $(as $name:literal)? $(= $default:expr)?),* $(,)? }) => {{
        let mut made = $type::$variant { $($field: $crate::json::blank!($($default)?)),* };
        if let $type::$variant { $($field),* } = &mut made {
            $from.fields(&$crate::json::expected!(strict $($field $($name)? $(= $default)?,)*), &mut [$($field),*])?;
        }
        made
    }};
}

/// The fields of an object, as the reader must know them.
macro_rules! expected {
    ($mode:ident $($field:ident $($name:literal)? $(= $default:expr)?,)*) => {{
        const EXPECTED: $crate::json::Expected = $crate::json::Expected::new(
            $crate::json::strict!($mode),
            &[$($crate::json::name!($field $($name)?)),*],
            &[$($crate::json::needed!($($default)?)),*],
        );
        EXPECTED
    }};
}

/// Writes a struct, `object!(to, self { id, base_url as "baseUrl" if given })`, or the fields of a variant that were taken out
/// of it, `object!(to, { id })`.
///
/// `if given`: left out where it is nothing; `if (condition)`: left out unless that holds.
macro_rules! object {
    ($to:ident, $of:ident { $($field:ident $(as $name:literal)? $(if $given:tt)?),* $(,)? }) => {{
        $to.open('{');
        $($crate::json::member!(
            $to, &$of.$field, $crate::json::name!($field $($name)?) $(, $given)?
        );)*
        $to.close('}');
    }};
    ($to:ident, { $($field:ident $(as $name:literal)? $(if $given:tt)?),* $(,)? }) => {{
        $to.open('{');
        $($crate::json::member!($to, $field, $crate::json::name!($field $($name)?) $(, $given)?);)*
        $to.close('}');
    }};
}

/// How the variants of an enum are called.
macro_rules! words {
    ($(#[$about:meta])* $type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            $(#[$about])*
            #[allow(unreachable_pub, reason = "of private types too")]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl $crate::json::FromJson for $type {
            fn blank() -> Self {
                [$(Self::$variant),+][0]
            }

            fn read(&mut self, from: &mut $crate::json::Reader<'_>) -> Result<(), $crate::json::Wrong> {
                const ALL: &[$type] = &[$($type::$variant),+];
                *self = ALL[from.word(&[$($word),+])?];
                Ok(())
            }
        }

        impl $crate::json::ToJson for $type {
            fn write(&self, to: &mut $crate::json::Writer) {
                to.text(self.as_str());
            }
        }
    };
}

/// Types that are written as the one thing that they hold.
macro_rules! transparent {
    ($($type:ident),+) => {$(
        impl $crate::json::FromJson for $type {
            fn blank() -> Self {
                Self($crate::json::FromJson::blank())
            }

            fn read(&mut self, from: &mut $crate::json::Reader<'_>) -> Result<(), $crate::json::Wrong> {
                self.0.read(from)
            }
        }

        impl $crate::json::ToJson for $type {
            fn write(&self, to: &mut $crate::json::Writer) {
                self.0.write(to);
            }
        }
    )+};
}

/// The name of a field: its own, or the one that is given.
macro_rules! name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $name:literal) => {
        $name
    };
}

/// What a field is until it is read.
macro_rules! blank {
    () => {
        $crate::json::FromJson::blank()
    };
    ($default:expr) => {
        $default
    };
}

/// Must a field be there?
macro_rules! needed {
    () => {
        true
    };
    ($default:expr) => {
        false
    };
}

/// Are other fields wrong?
macro_rules! strict {
    (strict) => {
        true
    };
    (open) => {
        false
    };
}

/// Writes one field.
macro_rules! member {
    ($to:ident, $value:expr, $name:expr) => {
        $to.field($name, $value)
    };
    ($to:ident, $value:expr, $name:expr, given) => {
        $to.given($name, $value)
    };
    ($to:ident, $value:expr, $name:expr, ($holds:expr)) => {
        if $holds {
            $to.field($name, $value);
        }
    };
}

pub(crate) use {
    blank, expected, from_json, member, name, needed, object, strict, transparent, variant, words,
};
