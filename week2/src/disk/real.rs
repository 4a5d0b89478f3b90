//! The file system of the machine.

use std::any::Any;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Disk, DiskFile};
use crate::{Error, Result};

/// The machine's own file system. It keeps nothing: all its values are the same.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).append(true).create_new(true).open(path);
        let file = file.map_err(Error::io("create", path))?;
        Ok(Arc::new(RealFile { path: path.to_path_buf(), file }))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).append(true).open(path).map_err(Error::io("open", path))?;
        Ok(Arc::new(RealFile { path: path.to_path_buf(), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        fs::rename(from, to).map_err(Error::io("rename", from))
    }

    fn remove(&self, path: &Path) -> Result<()> {
        fs::remove_file(path).map_err(Error::io("remove", path))
    }

    fn list(&self, directory: &Path) -> Result<Vec<PathBuf>> {
        let listed = || -> io::Result<Vec<PathBuf>> {
            let mut paths = Vec::new();
            for entry in fs::read_dir(directory)? {
                let entry = entry?;
                if entry.file_type()?.is_file() {
                    paths.push(entry.path());
                }
            }
            paths.sort();
            Ok(paths)
        };
        listed().map_err(Error::io("list", directory))
    }

    fn create_directory(&self, path: &Path) -> Result<()> {
        fs::create_dir_all(path).map_err(Error::io("create directory", path))
    }

    #[cfg(unix)]
    fn sync_directory(&self, path: &Path) -> Result<()> {
        File::open(path).and_then(|directory| directory.sync_all()).map_err(Error::io("sync directory", path))
    }

    #[cfg(not(unix))]
    fn sync_directory(&self, _path: &Path) -> Result<()> {
        Ok(())
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn Any + Send + Sync>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(Error::io("lock", path))?;
        file.try_lock().map_err(|error| match error {
            TryLockError::Error(source) => Error::io("lock", path)(source),
            TryLockError::WouldBlock => {
                let held = io::Error::new(io::ErrorKind::WouldBlock, "another engine holds it");
                Error::io("lock", path)(held)
            }
        })?;
        Ok(Box::new(file))
    }
}

#[derive(Debug)]
struct RealFile {
    path: PathBuf,
    file: File,
}

impl DiskFile for RealFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn length(&self) -> Result<u64> {
        let metadata = self.file.metadata().map_err(Error::io("measure", &self.path))?;
        Ok(metadata.len())
    }

    fn append(&self, bytes: &[u8]) -> Result<()> {
        (&self.file).write_all(bytes).map_err(Error::io("write", &self.path))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        read_exact_at(&self.file, offset, buffer).map_err(Error::io("read", &self.path))
    }

    fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(Error::io("sync", &self.path))
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                offset += read as u64;
                buffer = &mut buffer[read..];
            }
        }
    }
    Ok(())
}
