// Files of a node, all by POSIX sh and coreutils (and find) over `run`, so that any access will do. Scripts travel as arguments, content by standard input.

export { FileFailed, type FileTrouble, NotFlushed } from './file-error.ts';
export { copyDir, findFiles, freeBytes, makeDir } from './folders.ts';
export { type FileFault, type FileFound, type FileSeen, readFiles } from './read-files.ts';
export { removeFile, type WriteOptions, writeFile, writeLinked } from './write-file.ts';
