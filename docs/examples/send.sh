#!/bin/sh
# Sends a text through the gateway, in the dialect of the Cloud API. curl asks again by itself where it says so (408, 429,
# 5xx) or does not answer.
#
#   SABIR_URL=http://127.0.0.1:8080 SABIR_KEY=… sh send.sh 447700900123 'Bay 2 is open'
#
# The text has to be JSON already: here it stands between quotation marks as it is.
set -eu

# The same key in every try: however often is asked, the message goes out once.
key=$(cat /proc/sys/kernel/random/uuid)

curl --silent --show-error --fail-with-body --max-time 15 --retry 5 --retry-connrefused "$SABIR_URL/messages" \
    --header "Authorization: Bearer $SABIR_KEY" \
    --header "Content-Type: application/json" \
    --header "Idempotency-Key: $key" \
    --data "{\"messaging_product\": \"whatsapp\", \"to\": \"$1\", \"type\": \"text\", \"text\": {\"body\": \"$2\"}}"
echo
