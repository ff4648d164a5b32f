// Compiles the Python files of folders: node bytecode.mjs PLACE FOLDER...
// PLACE is where the files are going to lie, which tracebacks tell. Nothing in the bytecode comes
// from this machine: the interpreter is the pinned one, the files are found at PLACE in a fixed
// order, and they are trusted by being there, not by their times (PEP 552, "unchecked").
import { loadPyodide } from "pyodide";

const [place, ...folders] = process.argv.slice(2);
const python = await loadPyodide({ env: { PYTHONHASHSEED: "0" } });
python.FS.mkdirTree(place);
python.globals.set("place", place);

for (const root of folders) {
  python.FS.mount(python.FS.filesystems.NODEFS, { root }, place);
  const compiled = python.runPython(`
    import compileall, py_compile
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(place, quiet=1, force=True, invalidation_mode=mode)
  `);
  python.FS.unmount(place);
  if (!compiled) process.exit(1);
}
