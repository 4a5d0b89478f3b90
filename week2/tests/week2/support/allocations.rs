//! What the code under test asks of the memory allocator: work that no result shows.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Hands every request on to the system's allocator, and notes the longest one of each thread.
struct Watched;

#[global_allocator]
static ALLOCATOR: Watched = Watched;

thread_local! {
    static LONGEST: Cell<usize> = const { Cell::new(0) };
}

/// Does `work`, and tells the longest piece of memory, in bytes, that it asked for on this thread.
pub fn longest_request<T>(work: impl FnOnce() -> T) -> (T, usize) {
    LONGEST.set(0);
    let result = work();
    (result, LONGEST.get())
}

fn note(size: usize) {
    // A thread that ends may free and ask when its own variables are gone.
    let _ = LONGEST.try_with(|longest| longest.set(longest.get().max(size)));
}

// SAFETY: every call goes to the system's allocator with the same arguments; `note` asks for no memory.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller's promises are those that `System` wants.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: as above; `memory` is from `System`, as all memory here.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}
