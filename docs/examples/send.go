// Sends a text through the gateway, in the dialect of the Cloud API, with nothing but Go.
//
//	SABIR_URL=http://127.0.0.1:8080 SABIR_KEY=… go run send.go 447700900123 'Bay 2 is open'
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"
)

// What the gateway answers: a receipt, or a fault.
type answer struct {
	Messages []struct {
		ID string `json:"id"`
	} `json:"messages"`
	Error struct {
		Message string `json:"message"`
		Data    struct {
			Details string `json:"details"`
		} `json:"error_data"`
	} `json:"error"`
}

var client = http.Client{Timeout: 15 * time.Second}

// The message's id, by which its statuses will name it, and the id of its transaction.
func send(to, text string) (id, transaction string, err error) {
	body, err := json.Marshal(map[string]any{
		"messaging_product": "whatsapp", "to": to, "type": "text", "text": map[string]string{"body": text},
	})
	if err != nil {
		return "", "", err
	}
	// The same key in every try: however often is asked, the message goes out once.
	key := make([]byte, 16)
	if _, err := rand.Read(key); err != nil {
		return "", "", err
	}
	for attempt := 0; attempt < 6; attempt++ {
		wait := time.Second << attempt
		request, err := http.NewRequest("POST", os.Getenv("SABIR_URL")+"/messages", bytes.NewReader(body))
		if err != nil {
			return "", "", err
		}
		request.Header.Set("Authorization", "Bearer "+os.Getenv("SABIR_KEY"))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", hex.EncodeToString(key))
		response, err := client.Do(request)
		// Not reached, or no answer: perhaps it was taken, and the key sees to it that it is not taken twice.
		if err == nil {
			var told answer
			err = json.NewDecoder(response.Body).Decode(&told)
			response.Body.Close()
			switch status := response.StatusCode; {
			case err == nil && status == 200 && len(told.Messages) > 0:
				return told.Messages[0].ID, response.Header.Get("Sabir-Transaction-Id"), nil
			// 409: the first try is still under way. All else below 500 will not be mended by another try.
			case status != 409 && status != 429 && status < 500:
				return "", "", fmt.Errorf("%s: %s", told.Error.Message, told.Error.Data.Details)
			}
			if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
				wait = time.Duration(seconds) * time.Second
			}
		}
		time.Sleep(wait)
	}
	return "", "", errors.New("the gateway does not take it; try again later with the same key")
}

func main() {
	id, transaction, err := send(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(id, transaction)
}
