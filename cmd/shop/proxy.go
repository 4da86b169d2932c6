package shop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

	"mostrador/dte/sii"
	"mostrador/sale"
)

// secretProxy is the whole address of the proxy, which may carry a password: it is sealed in one piece, so that address
// and password never belong to different settings.
const secretProxy = "proxy"

// Proxy is the stored setting as people may see it: never with its password. Address is empty when none is stored.
type Proxy struct {
	Address string // scheme, server and port
	User    string
	// Password tells only that there is one.
	Password bool
}

// String is the setting in words.
func (p Proxy) String() string {
	switch {
	case p.Address == "":
		return "ninguno en la caja"
	case p.User == "":
		return p.Address
	case p.Password:
		return p.Address + ", con el usuario " + p.User + " y su contraseña"
	}
	return p.Address + ", con el usuario " + p.User
}

// SetProxy seals the proxy that everything for the authority goes through. user and password may be empty; they may not
// stand in the address as well. Loops that run go on with the one they began with.
func (s *Shop) SetProxy(address, user, password string) (Proxy, error) {
	u, err := sii.ParseProxy(address)
	switch {
	case err != nil:
		return Proxy{}, err
	case u == nil:
		return Proxy{}, errors.New("falta la dirección del proxy. No se cambió nada; escríbala como servidor:puerto")
	case u.User != nil:
		return Proxy{}, errors.New("la dirección del proxy trae usuario o contraseña, que quedarían a la vista. No se cambió nada; escriba la dirección sola, y el usuario aparte")
	case user == "" && password != "":
		return Proxy{}, errors.New("hay contraseña de proxy pero no usuario. No se cambió nada")
	case user != "" && password != "":
		u.User = url.UserPassword(user, password)
	case user != "":
		u.User = url.User(user)
	}
	return shown(u), s.Store.PutSecret(secretProxy, []byte(u.String()))
}

// ClearProxy forgets the setting: from then on the environment decides.
func (s *Shop) ClearProxy() error { return s.Store.DropSecret(secretProxy) }

// Proxy is the stored setting, without its password.
func (s *Shop) Proxy() (Proxy, error) {
	u, err := s.proxy()
	return shown(u), err
}

func shown(u *url.URL) Proxy {
	if u == nil {
		return Proxy{}
	}
	p := Proxy{Address: u.Scheme + "://" + u.Host, User: u.User.Username()}
	_, p.Password = u.User.Password()
	return p
}

// proxy is the stored address with its password; nil when the environment decides.
func (s *Shop) proxy() (*url.URL, error) {
	setting, err := s.Store.Secret(secretProxy)
	if errors.Is(err, sale.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return sii.ParseProxy(string(setting))
}

// newClient talks to the authority of this shop. A practice shop's is on this machine, where no proxy stands in between.
func (s *Shop) newClient() (*sii.Client, error) {
	cfg := sii.Config{Endpoints: s.at, Signer: s.signer, Now: s.opt.Now}
	if !s.Info.Training() {
		var err error
		if cfg.Proxy, err = s.proxy(); err != nil {
			return nil, err
		}
	}
	return sii.New(cfg), nil
}

// Reach asks both channels of the authority for a sign of life, the way that documents would go, and tells what it found
// in words. The error is the first channel's that did not answer.
func (s *Shop) Reach(ctx context.Context) (way string, err error) {
	client, err := s.newClient()
	if err != nil {
		return "", err
	}
	way, err = s.way()
	for _, ch := range []sii.Channel{sii.ChannelDTE, sii.ChannelBoleta} {
		if err == nil {
			err = client.Reach(ctx, ch)
		}
	}
	return way, err
}

// way is how requests leave this machine, in words.
func (s *Shop) way() (string, error) {
	if s.Info.Training() {
		return "directo al simulador de este equipo; una caja de práctica no usa proxy", nil
	}
	p, err := s.Proxy()
	switch {
	case err != nil || p.Address != "":
		return "por el proxy " + p.String(), err
	case cmp.Or(os.Getenv("HTTPS_PROXY"), os.Getenv("https_proxy")) != "":
		return "por el proxy de la variable HTTPS_PROXY de este equipo", nil
	}
	return fmt.Sprintf("sin proxy (%s)", p), nil
}
