module reroot.test/judge

go 1.24
