//! Macros that write [`Wire`](super::Wire) for structures, words and choices, so that the order
//! and the numbers of SPEC.md stand in one list each.

/// Implements [`Wire`](crate::fence::Wire) for a structure, its fields in the order listed, which
/// is the order of SPEC.md. A field left out does not compile.
///
/// With `check`, reading ends with the structure's own
/// `fn check(&self) -> Result<(), Invalid>`, for rules between fields.
///
/// ```
/// use omni_protocol::{fence, value::Text, wire};
///
/// #[derive(Debug, PartialEq)]
/// struct Attribute {
///     name: Text<64, 1>,
///     value: Text<256>,
/// }
///
/// wire!(Attribute { name, value });
///
/// let colour = Attribute { name: "colour".parse()?, value: "red".parse()? };
/// let bytes = fence::encode(&colour, 400)?;
/// assert_eq!(bytes, b"\x06colour\x03red");
/// assert_eq!(fence::decode(&bytes, 400), Ok(colour));
/// # Ok::<(), omni_protocol::value::Invalid>(())
/// ```
#[macro_export]
macro_rules! wire {
    ($name:ident { $($field:ident),+ $(,)? } $($check:ident)?) => {
        impl $crate::fence::Wire for $name {
            fn put(&self, writer: &mut $crate::fence::Writer<'_>) {
                let Self { $($field),+ } = self;
                $($crate::fence::Wire::put($field, writer);)+
            }

            fn take(
                reader: &mut $crate::fence::Reader<'_>,
            ) -> Result<Self, $crate::value::Invalid> {
                let value = Self { $($field: $crate::fence::Wire::take(reader)?),+ };
                $(value.$check()?;)?
                Ok(value)
            }
        }
    };
}

/// Declares an enum whose variants are written numbers: a `word` of SPEC.md. Each variant is
/// `NUMBER Variant "name"`, where the name is what the API, the CLI and the log say.
#[macro_export]
macro_rules! words {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$doc:meta])* $number:literal $variant:ident $text:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        $vis enum $name {
            $($(#[$doc])* $variant = $number,)+
        }

        #[allow(dead_code, reason = "not every word needs all of these")]
        impl $name {
            /// All of them, in the order of SPEC.md.
            $vis const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The number that travels.
            #[must_use]
            $vis const fn number(self) -> u16 {
                self as u16
            }

            /// The one with this number, if this version has one.
            #[must_use]
            $vis const fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The word by which the API, the CLI and the log call it.
            #[must_use]
            $vis const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The one with this name, if there is one.
            #[must_use]
            $vis fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.name() == name)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl $crate::fence::Wire for $name {
            fn put(&self, writer: &mut $crate::fence::Writer<'_>) {
                $crate::fence::Wire::put(&self.number(), writer);
            }

            fn take(
                reader: &mut $crate::fence::Reader<'_>,
            ) -> Result<Self, $crate::value::Invalid> {
                let number = <u16 as $crate::fence::Wire>::take(reader)?;
                Self::from_number(number)
                    .ok_or($crate::value::Invalid::Word { what: stringify!($name) })
            }
        }
    };
}

/// Implements [`Wire`](crate::fence::Wire) for an enum as a word and then the structure that the
/// word announces: `NUMBER => Variant`, each variant with one field.
#[macro_export]
macro_rules! choice {
    ($name:ident { $($number:literal => $variant:ident),+ $(,)? }) => {
        impl $crate::fence::Wire for $name {
            fn put(&self, writer: &mut $crate::fence::Writer<'_>) {
                match self {
                    $(Self::$variant(value) => {
                        $crate::fence::Wire::put(&($number as u16), writer);
                        $crate::fence::Wire::put(value, writer);
                    })+
                }
            }

            fn take(
                reader: &mut $crate::fence::Reader<'_>,
            ) -> Result<Self, $crate::value::Invalid> {
                match <u16 as $crate::fence::Wire>::take(reader)? {
                    $($number => Ok(Self::$variant($crate::fence::Wire::take(reader)?)),)+
                    _ => Err($crate::value::Invalid::Word { what: stringify!($name) }),
                }
            }
        }
    };
}
