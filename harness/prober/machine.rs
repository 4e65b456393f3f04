//! What differs between architectures: entering the kernel, starting up, running machine code.

use crate::calls::CALLS;

#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".globl _start",
    "_start:",
    "xor %ebp, %ebp",
    "mov %rsp, %rdi",
    "and $-16, %rsp",
    "call prober",
    options(att_syntax)
);

#[cfg(target_arch = "aarch64")]
core::arch::global_asm!(".globl _start", "_start:", "mov x29, #0", "mov x0, sp", "bl prober");

/// What the kernel calls this architecture (linux/audit.h).
#[cfg(target_arch = "x86_64")]
pub const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
pub const ARCHITECTURE: u32 = 0xc000_00b7;

/// What the program was started with, as the kernel lays it on the stack: the number of the arguments, their addresses, a
/// zero, the addresses of the environment's, a zero.
pub struct Arguments {
    stack: *const usize,
}

impl Arguments {
    /// # Safety
    /// This is where the stack pointer was when the program started.
    pub unsafe fn new(stack: *const usize) -> Self {
        Self { stack }
    }

    /// How many there are; the first is the program's name.
    pub fn count(&self) -> usize {
        // SAFETY: the kernel put the number there.
        unsafe { self.stack.read() }
    }

    /// Where the list from this argument on stands.
    pub fn vector(&self, index: usize) -> i64 {
        self.stack.wrapping_add(1 + index.min(self.count())) as i64
    }

    /// Where the list of the environment stands.
    pub fn environment(&self) -> i64 {
        self.stack.wrapping_add(1 + self.count() + 1) as i64
    }

    /// The address of an argument, 0 behind the last.
    pub fn at(&self, index: usize) -> i64 {
        // SAFETY: it is one of the list, or the zero behind it.
        unsafe { (self.vector(index) as *const i64).read() }
    }

    /// An argument without the zero at its end; none behind the last.
    pub fn bytes(&self, index: usize) -> &'static [u8] {
        // SAFETY: the kernel ends each argument with a zero and takes none of them away.
        unsafe { word(self.at(index)) }
    }

    /// The value of a variable whose name and `=` these are; none where there is none.
    pub fn variable(&self, name: &[u8]) -> &'static [u8] {
        let mut place = self.environment() as *const i64;
        // SAFETY: the kernel ends the list with a zero, and each variable, too.
        unsafe {
            while place.read() != 0 {
                if let Some(value) = word(place.read()).strip_prefix(name) {
                    return value;
                }
                place = place.add(1);
            }
        }
        &[]
    }
}

/// What stands at this address up to a zero; nothing where the address is one.
///
/// # Safety
/// There is a zero, and what stands there stays.
pub unsafe fn word(address: i64) -> &'static [u8] {
    let start = address as *const u8;
    if start.is_null() {
        return &[];
    }
    let mut length = 0;
    // SAFETY: that is what the caller says.
    unsafe {
        while start.add(length).read() != 0 {
            length += 1;
        }
        core::slice::from_raw_parts(start, length)
    }
}

/// Enters the kernel. The result is what it returned: an error number, negative, between -4095 and -1.
#[cfg(target_arch = "x86_64")]
pub fn syscall(number: i64, args: [i64; 6]) -> i64 {
    let result: i64;
    // SAFETY: the calling convention of the kernel on this architecture; whether the arguments are sound is for
    // the kernel to judge, and a call that damages this process ends one child.
    unsafe {
        core::arch::asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") args[0], in("rsi") args[1], in("rdx") args[2],
            in("r10") args[3], in("r8") args[4], in("r9") args[5],
            lateout("rcx") _, lateout("r11") _,
        );
    }
    result
}

/// Enters the kernel. The result is what it returned: an error number, negative, between -4095 and -1.
#[cfg(target_arch = "aarch64")]
pub fn syscall(number: i64, args: [i64; 6]) -> i64 {
    let result: i64;
    // SAFETY: as on the other architecture.
    unsafe {
        core::arch::asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") args[0] => result,
            in("x1") args[1], in("x2") args[2], in("x3") args[3], in("x4") args[4], in("x5") args[5],
        );
    }
    result
}

/// Enters the kernel through the 32-bit gate, without arguments.
#[cfg(target_arch = "x86_64")]
pub fn int80(number: i64) -> i64 {
    let result: i64;
    // SAFETY: the 32-bit calling convention; every register that the gate may change is declared. rbx is saved by hand
    // because the compiler keeps it for itself.
    unsafe {
        core::arch::asm!(
            "push rbx",
            "xor ebx, ebx",
            "int 0x80",
            "pop rbx",
            inlateout("rax") number => result,
            inlateout("rcx") 0i64 => _, inlateout("rdx") 0i64 => _,
            lateout("r8") _, lateout("r9") _, lateout("r10") _, lateout("r11") _,
        );
    }
    // A 32-bit result is not sign-extended.
    i64::from(result as i32)
}

/// This architecture has no 32-bit gate: `ENOSYS`.
#[cfg(target_arch = "aarch64")]
pub fn int80(_: i64) -> i64 {
    -38
}

/// Runs the machine code at `address` as a function without arguments.
pub fn execute(address: i64) -> i64 {
    #[cfg(target_arch = "aarch64")]
    // SAFETY: cache maintenance for code that was just written (first the data cache, from which the instruction cache
    // is filled); changes no memory.
    unsafe {
        core::arch::asm!("dc cvau, {0}", "dsb ish", "ic ivau, {0}", "dsb ish", "isb", in(reg) address);
    }
    // SAFETY: none can be given in general: that is what is probed. Where the memory is not executable, this child ends
    // with SIGSEGV, which is reported.
    unsafe {
        let code: extern "C" fn() -> i64 = core::mem::transmute(address as *const ());
        code()
    }
}

/// Ends this process.
pub fn exit(status: i64) -> ! {
    loop {
        for call in CALLS {
            if call.0 == "exit_group" {
                #[cfg(target_arch = "x86_64")]
                syscall(call.1 as i64, [status, 0, 0, 0, 0, 0]);
                #[cfg(target_arch = "aarch64")]
                syscall(call.2 as i64, [status, 0, 0, 0, 0, 0]);
            }
        }
    }
}

/// The compiler emits calls to these; there is no libc to bring them.
mod memory {
    /// # Safety
    /// As C's memcpy.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
        for index in 0..count {
            // SAFETY: both sides have `count` bytes, says the caller.
            unsafe { to.add(index).write_volatile(from.add(index).read_volatile()) };
        }
        to
    }

    /// # Safety
    /// As C's memset.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
        for index in 0..count {
            // SAFETY: there are `count` bytes, says the caller.
            unsafe { to.add(index).write_volatile(byte as u8) };
        }
        to
    }

    /// # Safety
    /// As C's memcmp.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, count: usize) -> i32 {
        for index in 0..count {
            // SAFETY: both sides have `count` bytes, says the caller.
            let (a, b) = unsafe { (a.add(index).read_volatile(), b.add(index).read_volatile()) };
            if a != b {
                return i32::from(a) - i32::from(b);
            }
        }
        0
    }

    /// # Safety
    /// As C's strlen.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn strlen(text: *const u8) -> usize {
        let mut length = 0;
        // SAFETY: there is a zero at the end, says the caller.
        while unsafe { text.add(length).read_volatile() } != 0 {
            length += 1;
        }
        length
    }

    /// # Safety
    /// As C's bcmp.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, count: usize) -> i32 {
        // SAFETY: the same contract.
        unsafe { memcmp(a, b, count) }
    }
}
