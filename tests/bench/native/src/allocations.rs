//! Counts what is allocated, and how much of it is held.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

struct Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);
static HELD: AtomicU64 = AtomicU64::new(0);
static MOST: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn take(size: usize) {
    COUNT.fetch_add(1, Ordering::Relaxed);
    let held = HELD.fetch_add(size as u64, Ordering::Relaxed) + size as u64;
    MOST.fetch_max(held, Ordering::Relaxed);
}

fn give_back(size: usize) {
    HELD.fetch_sub(size as u64, Ordering::Relaxed);
}

// SAFETY: the system's allocator does the work; the counter touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        give_back(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        give_back(layout.size());
        take(size);
        // SAFETY: as above.
        unsafe { System.realloc(place, layout, size) }
    }
}

/// So many bytes are held now.
pub(crate) fn held() -> u64 {
    HELD.load(Ordering::Relaxed)
}

/// So many bytes were held at once since this was last asked.
pub(crate) fn most() -> u64 {
    MOST.swap(held(), Ordering::Relaxed)
}

/// So many allocations so far.
pub(crate) fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}
