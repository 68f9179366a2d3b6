"""The shell that makes the next thing happen: pykka actors on a shared loop, the journal, timers, supervision."""
