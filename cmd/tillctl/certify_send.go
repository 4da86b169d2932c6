package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"mostrador/cmd/shop"
	"mostrador/dte"
	"mostrador/dte/sii"
)

// pollEvery is how long to wait between questions where the SII does not say.
const pollEvery = 2 * time.Second

// send uploads what has not arrived, in order, and follows it until everything is decided or the time is up.
func (c *certify) send(books bool, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(c.e.ctx, wait)
	defer cancel()
	client, err := c.client()
	if err != nil {
		return err
	}
	for i := range c.state.Envios {
		if n := &c.state.Envios[i]; n.TrackID == "" && (n.Notificacion == 0 || books && n.Notificacion == c.notification) {
			if err := c.upload(ctx, client, n); err != nil {
				return fmt.Errorf("envío %s: %w", n.Nombre, err)
			}
			fmt.Fprintf(c.e.out, "%s: %s\n", n.Nombre, n.standing())
		}
	}
	return c.follow(ctx, client)
}

func (c *certify) client() (*sii.Client, error) {
	at := sii.Certificacion()
	if c.e.opt.Simulator != "" {
		var err error
		if at, err = shop.SimulatorAt(c.e.opt.Simulator); err != nil {
			return nil, err
		}
	}
	return sii.New(sii.Config{Endpoints: at, Signer: c.signer, Now: c.e.opt.Now}), nil
}

// upload sends the recorded bytes. That it began is recorded first: when the answer is lost, the next run asks before it
// sends the same bytes again.
func (c *certify) upload(ctx context.Context, client *sii.Client, n *certEnvio) error {
	b, err := os.ReadFile(c.path(*n))
	if err != nil {
		return err
	}
	if hashOf(b) != n.SHA256 {
		return fmt.Errorf("%s no es el que se firmó (%w)", c.path(*n), errChanged)
	}
	if n.Canal == "" {
		n.Canal = c.channelOf(*n)
	}
	if n.Subida {
		if found, err := c.arrived(ctx, client, n); found || err != nil {
			return err
		}
	}
	n.Subida = true
	if err := c.save(); err != nil {
		return err
	}
	receipt, err := client.Upload(ctx, n.Canal, c.state.Emisor, n.Nombre+".xml", b)
	if failed, ok := errors.AsType[*sii.Error](err); ok && !failed.MaybeReceived {
		n.Subida = false // nothing arrived
		return errors.Join(err, c.save())
	}
	if err != nil {
		return err
	}
	n.TrackID = receipt.TrackID
	return c.save()
}

// channelOf: the boletas' set may go through either door; everything else has one.
func (c *certify) channelOf(n certEnvio) sii.Channel {
	if len(n.Casos) > 0 && c.docs[n.Casos[0]].Tipo.EsBoleta() {
		return c.channel
	}
	return sii.ChannelDTE
}

// arrived asks for an envelope whose upload got no answer, by its first document.
func (c *certify) arrived(ctx context.Context, client *sii.Client, n *certEnvio) (bool, error) {
	if len(n.Casos) == 0 {
		return false, nil // a book: the same bytes again get the same number
	}
	doc := c.docs[n.Casos[0]]
	if sii.ChannelOf(doc.Tipo) != n.Canal {
		return false, nil // one door does not know what came through the other
	}
	status, err := client.DocumentStatus(ctx, doc)
	if err != nil || !status.Found || status.TrackID == "" {
		return false, err
	}
	n.TrackID = status.TrackID
	return true, c.save()
}

// follow asks what became of each envelope.
func (c *certify) follow(ctx context.Context, client *sii.Client) error {
	for {
		open, rejected := 0, 0
		pause := pollEvery
		for i := range c.state.Envios {
			n := &c.state.Envios[i]
			if n.TrackID == "" {
				continue
			}
			if !n.Final {
				retry, err := c.ask(ctx, client, n)
				if err != nil && sii.VerdictOf(err) != sii.Later {
					return fmt.Errorf("envío %s (número %s): %w", n.Nombre, n.TrackID, err)
				}
				pause = max(pause, retry)
			}
			if !n.Final {
				open++
			} else if n.Estado == rejectedWord {
				rejected++
			}
		}
		switch {
		case open == 0 && rejected > 0:
			return fmt.Errorf("%d envíos con rechazos: vea los códigos, corrija y comience en otra carpeta con otros folios (-desde)", rejected)
		case open == 0:
			fmt.Fprintln(c.e.out, "Todo lo subido fue aceptado. Declare el avance en el sitio del SII con estos números de envío y espere la aprobación de cada set (SOK).")
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("quedan %d envíos sin resultado. Nada se pierde: repita la orden más tarde", open)
		case <-timer.C:
		}
	}
}

// rejectedWord and acceptedWord are the Estado of an envelope that is decided.
const (
	rejectedWord = "rechazado"
	acceptedWord = "aceptado"
)

// ask records what the SII says of an envelope. The facturas' door tells only numbers, so that each document is asked for
// when one was refused.
func (c *certify) ask(ctx context.Context, client *sii.Client, n *certEnvio) (time.Duration, error) {
	status, err := client.EnvelopeStatus(ctx, n.Canal, c.state.Emisor, n.TrackID)
	if err != nil || status.Phase == sii.InProgress {
		return status.RetryAfter, err
	}
	total := status.Total()
	n.Final, n.Estado = true, acceptedWord
	n.Glosa = fmt.Sprintf("(%s %s: %d informados, %d aceptados, %d con reparos, %d rechazados)", status.Estado, status.Glosa, total.Informados, total.Aceptados, total.Reparos, total.Rechazados)
	if status.Phase == sii.Rejected || total.Rechazados > 0 {
		n.Estado = rejectedWord
	}
	fmt.Fprintf(c.e.out, "%s: %s\n", n.Nombre, n.standing())
	if total.Rechazados+total.Reparos > 0 {
		c.explain(ctx, client, n, status.Details)
	}
	return 0, c.save()
}

func (c *certify) explain(ctx context.Context, client *sii.Client, n *certEnvio, details []sii.Detail) {
	for _, d := range details {
		fmt.Fprintf(c.e.out, "  T%dF%d: %s %s\n", d.Tipo, d.Folio, d.Codigo, d.Glosa)
	}
	if len(details) > 0 {
		return
	}
	for _, id := range n.Casos {
		doc := c.docs[id]
		status, err := client.DocumentStatus(ctx, doc)
		if err == nil && status.State != dte.Accepted {
			fmt.Fprintf(c.e.out, "  caso %s, %s: %s %s\n", id, doc.Key().ID(), status.Codigo, status.Glosa)
		}
	}
}
