//! How common types are read and written.

use super::{FromJson, Reader, ToJson, Writer, Wrong};

impl FromJson for bool {
    fn blank() -> Self {
        false
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        from.truth().map(|truth| *self = truth)
    }
}

impl ToJson for bool {
    fn write(&self, to: &mut Writer) {
        to.bare(if *self { "true" } else { "false" });
    }
}

macro_rules! whole {
    ($($type:ident $size:expr, $below:expr;)+) => {$(
        impl FromJson for $type {
            fn blank() -> Self {
                0
            }

            #[allow(clippy::cast_lossless, clippy::cast_possible_wrap, reason = "between these two it fits")]
            fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
                from.whole($type::MIN as i64, $type::MAX as u64).map(|whole| *self = whole as Self)
            }
        }

        impl ToJson for $type {
            #[allow(clippy::cast_lossless, reason = "usize is smaller on some machines")]
            fn write(&self, to: &mut Writer) {
                let below: fn($type) -> bool = $below;
                let size: fn($type) -> u64 = $size;
                to.whole(below(*self), size(*self));
            }
        }
    )+};
}

whole! {
    u8 u64::from, |_| false;
    u16 u64::from, |_| false;
    u32 u64::from, |_| false;
    u64 |whole| whole, |_| false;
    usize |whole| whole as u64, |_| false;
    i32 |whole| u64::from(whole.unsigned_abs()), |whole| whole < 0;
    i64 i64::unsigned_abs, |whole| whole < 0;
}

impl FromJson for Box<str> {
    fn blank() -> Self {
        Self::default()
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        from.text().map(|text| *self = text.into())
    }
}

impl FromJson for String {
    fn blank() -> Self {
        Self::new()
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        from.text().map(|text| *self = text.into())
    }
}

impl ToJson for str {
    fn write(&self, to: &mut Writer) {
        to.text(self);
    }
}

impl ToJson for String {
    fn write(&self, to: &mut Writer) {
        to.text(self);
    }
}

impl<T: ToJson + ?Sized> ToJson for &T {
    fn write(&self, to: &mut Writer) {
        (**self).write(to);
    }

    fn is_nothing(&self) -> bool {
        (**self).is_nothing()
    }
}

impl<T: ToJson + ?Sized> ToJson for Box<T> {
    fn write(&self, to: &mut Writer) {
        (**self).write(to);
    }
}

impl<T: FromJson> FromJson for Box<T> {
    fn blank() -> Self {
        Self::new(T::blank())
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        (**self).read(from)
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn blank() -> Self {
        None
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        if from.null() {
            *self = None;
            return Ok(());
        }
        self.insert(T::blank()).read(from)
    }
}

impl<T: ToJson> ToJson for Option<T> {
    fn write(&self, to: &mut Writer) {
        match self {
            Some(value) => value.write(to),
            None => to.bare("null"),
        }
    }

    fn is_nothing(&self) -> bool {
        self.is_none()
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn blank() -> Self {
        Self::new()
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        self.clear();
        from.array()?;
        while from.item()? {
            let mut item = T::blank();
            item.read(from)?;
            self.push(item);
        }
        Ok(())
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn write(&self, to: &mut Writer) {
        self.as_slice().write(to);
    }

    fn is_nothing(&self) -> bool {
        self.is_empty()
    }
}

impl<T: ToJson> ToJson for [T] {
    fn write(&self, to: &mut Writer) {
        to.items(self);
    }
}

impl<T: ToJson, const N: usize> ToJson for [T; N] {
    fn write(&self, to: &mut Writer) {
        to.items(self);
    }
}

impl<A: FromJson, B: FromJson> FromJson for (A, B) {
    fn blank() -> Self {
        (A::blank(), B::blank())
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        from.both(&mut [&mut self.0, &mut self.1])
    }
}

impl<A: ToJson, B: ToJson> ToJson for (A, B) {
    fn write(&self, to: &mut Writer) {
        to.open('[');
        to.item(&self.0);
        to.item(&self.1);
        to.close(']');
    }
}
