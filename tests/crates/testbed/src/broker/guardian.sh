# Owns a node for a test process: starts it, signals it, and when the test process is gone, however it ended, kills all that
# it started and removes the folder. Commands come by standard input, whose other end only the test process holds; each is
# answered by one line.
#
# usage: sh guardian.sh FOLDER SERVER [keep]
trap '' HUP INT TERM
folder=$1 server=$2 keep=${3:-}

# In the foreground, so that it stays a child: the node would start one that nobody owns.
epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 </dev/null >/dev/null 2>&1 &
epmd=$!
node=

end_node() {
    [ -n "$node" ] || return 0
    kill -KILL "$node" "-$node" 2>/dev/null
    wait "$node" 2>/dev/null
    node=
}

while read -r command; do
    case $command in
        start)
            end_node
            # A session of its own, hence a process group of its own, whose number is the node's pid.
            setsid "$server" </dev/null >>"$folder/output" 2>&1 &
            node=$!
            ;;
        kill) end_node ;;
        freeze) kill -STOP "-$node" ;;
        thaw) kill -CONT "-$node" ;;
    esac
    echo "$node"
done

end_node
kill -KILL "$epmd" 2>/dev/null
wait "$epmd" 2>/dev/null
[ -n "$keep" ] || rm -rf "$folder"
