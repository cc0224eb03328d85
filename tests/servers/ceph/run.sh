#!/usr/bin/env bash
# Ceph with its S3 gateway, in memory: run.sh FOLDER PORT KEY SECRET. It runs until it is killed with its process group.
set -euo pipefail
folder=$1 port=$2 key=$3 secret=$4
mkdir -p "$folder"/{mon,osd,gateway,run,logs}
cluster=$(cat /proc/sys/kernel/random/uuid)
cat >"$folder/ceph.conf" <<CONF
[global]
fsid = $cluster
mon host = [v1:127.0.0.1:$((port + 1))]
mon initial members = a
ms bind ipv4 = true
ms bind ipv6 = false
public addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 4000
mon pg warn min per osd = 0
osd pool default pg autoscale mode = off
osd objectstore = memstore
memstore device bytes = 1073741824
run dir = $folder/run
admin socket = $folder/run/\$name.\$pid.asok
pid file = $folder/run/\$name.pid
log file = $folder/logs/\$name.log
mon data = $folder/mon
osd data = $folder/osd
osd memory target = 939524096
mon data avail warn = 1
mon data avail crit = 1
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$port
rgw thread pool size = 32
rgw data = $folder/gateway
keyring = /dev/null
rgw dns name = localhost
CONF
export CEPH_ARGS="-c $folder/ceph.conf"
monmaptool --create --addv a "[v1:127.0.0.1:$((port + 1))]" --fsid "$cluster" "$folder/monmap"
ceph-mon --mkfs -i a --monmap "$folder/monmap"
ceph-mon -f -i a &
disk=$(cat /proc/sys/kernel/random/uuid)
ceph osd new "$disk"
ceph-osd -i 0 --mkfs --osd-uuid "$disk"
ceph-osd -f -i 0 &
until ceph osd stat | grep -q '1 up'; do sleep 0.3; done
radosgw -f -n client.rgw &
radosgw-admin user create --uid=tests --display-name=tests --access-key="$key" --secret-key="$secret"
touch "$folder/has-user"
wait
