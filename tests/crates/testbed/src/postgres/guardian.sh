# Owns a PostgreSQL server for a test process: makes its cluster, starts it, and when the test process is gone, however it
# ended, stops it and removes the folder. Commands come by standard input, whose other end only the test process holds; each
# is answered by one line.
#
# usage: sh guardian.sh FOLDER BIN PORT [SETTING…]
trap '' HUP INT TERM
folder=$1 bin=$2 port=$3
shift 3

# The server refuses to run as root: it runs as the user of its package then.
as=
if [ "$(id -u)" = 0 ]; then
    chown postgres "$folder"
    as="setpriv --reuid=postgres --regid=postgres --clear-groups"
fi
cd "$folder" || exit 1

start() {
    if [ ! -e "$folder/data/PG_VERSION" ]; then
        $as "$bin/initdb" --pgdata="$folder/data" --username=swit --auth=trust --encoding=UTF8 --locale=C --no-sync || return 1
        {
            echo "listen_addresses = '127.0.0.1'"
            echo "port = $port"
            echo "unix_socket_directories = '$folder'"
            echo "max_connections = 200"
            echo "max_prepared_transactions = 100"
            echo "shared_buffers = '64MB'"
            for setting in "$@"; do echo "$setting"; done
        } >>"$folder/data/postgresql.conf"
    fi
    $as "$bin/pg_ctl" --pgdata="$folder/data" --no-wait start
}

crash() { $as "$bin/pg_ctl" --pgdata="$folder/data" --mode=immediate --wait stop; }

while read -r command; do
    case $command in
        start) if start "$@" </dev/null >>"$folder/output" 2>&1; then echo started; else echo failed; fi ;;
        crash) crash </dev/null >>"$folder/output" 2>&1; echo stopped ;;
        ready)
            if "$bin/pg_isready" --host=127.0.0.1 --port="$port" </dev/null >/dev/null 2>&1; then echo yes; else echo no; fi
            ;;
    esac
done

crash </dev/null >/dev/null 2>&1
rm -rf "$folder"
