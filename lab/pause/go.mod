module labpause

go 1.21
