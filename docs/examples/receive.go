// Takes callbacks in the dialect of the Cloud API: looks at the signature, answers at once, and only then thinks.
//
//	CALLBACK_SECRET=… PORT=9000 go run receive.go
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

type event struct {
	Entry []struct {
		Changes []struct {
			Value struct {
				Statuses []struct{ ID, Status string }
				Messages []struct{ ID, Type string }
			}
		}
	}
}

// Over the bytes as they came: the same JSON written anew has another signature.
func isGenuine(signature string, body []byte) bool {
	mac := hmac.New(sha256.New, []byte(os.Getenv("CALLBACK_SECRET")))
	mac.Write(body)
	return hmac.Equal([]byte("sha256="+hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

func take(answer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(io.LimitReader(request.Body, 1<<20))
	if err != nil || !isGenuine(request.Header.Get("X-Hub-Signature-256"), body) {
		answer.WriteHeader(http.StatusUnauthorized)
		return
	}
	answer.WriteHeader(http.StatusOK)
	hear(body)
}

// One event in each call. It may come twice: whoever keeps it remembers the id and the status.
func hear(body []byte) {
	var told event
	if err := json.Unmarshal(body, &told); err != nil {
		return
	}
	for _, entry := range told.Entry {
		for _, change := range entry.Changes {
			for _, status := range change.Value.Statuses {
				fmt.Println("status", status.ID, status.Status)
			}
			for _, message := range change.Value.Messages {
				fmt.Println("message", message.ID, message.Type)
			}
		}
	}
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "9000"
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("listens on http://" + listener.Addr().String())
	http.HandleFunc("/", take)
	_ = http.Serve(listener, nil)
}
