//! TLS, with the crates' own connectors where they have one.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use protosocket::{TcpSocketListener, TlsSocketListener};
use protosocket_rpc::client::StreamConnector;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{client, TlsConnector};

use crate::Outcome;

/// How a client takes a server's certificate.
#[derive(Clone, Copy, Default)]
pub enum Trust {
    /// There is none: plain TCP.
    #[default]
    Plain,
    /// Whatever it is.
    Unverified,
    /// If a public authority has signed it.
    Public,
    /// If the one given as `--ca` has.
    Given,
}

/// Files in PEM.
#[derive(Clone, Default)]
pub struct Tls {
    pub trust: Trust,
    pub ca: Option<String>,
    pub cert: Option<String>,
    pub key: Option<String>,
}

impl Tls {
    fn roots(&self) -> Outcome<Option<RootCertStore>> {
        let Some(file) = &self.ca else {
            return Ok(None);
        };
        let mut roots = RootCertStore::empty();
        for cert in CertificateDer::pem_file_iter(file)? {
            roots.add(cert?)?;
        }
        Ok(Some(roots))
    }

    fn identity(&self) -> Outcome<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>> {
        let (Some(cert), Some(key)) = (&self.cert, &self.key) else {
            return Ok(None);
        };
        let certs = CertificateDer::pem_file_iter(cert)?.collect::<Result<_, _>>()?;
        Ok(Some((certs, PrivateKeyDer::from_pem_file(key)?)))
    }

    /// The crate's listener over TLS, if there is a certificate to show.
    pub fn listen(&self, address: SocketAddr) -> Outcome<Option<(SocketAddr, TlsSocketListener)>> {
        let Some((certs, key)) = self.identity()? else {
            return Ok(None);
        };
        let builder = ServerConfig::builder();
        let builder = match self.roots()? {
            Some(roots) => {
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build()?;
                builder.with_client_cert_verifier(verifier)
            }
            None => builder.with_no_client_auth(),
        };
        let config = builder.with_single_cert(certs, key)?;

        // The crate's listener cannot tell which port it got for port 0, so have it
        // reserved, and let the listener share it.
        let reserved = TcpSocket::new_v4()?;
        reserved.set_reuseport(true)?;
        reserved.bind(address)?;
        let address = reserved.local_addr()?;
        let listener = TcpSocketListener::listen(address, 1024, None)?;
        Ok(Some((address, TlsSocketListener::wrap(listener, config))))
    }

    /// A connector that trusts `--ca` only, and shows `--cert` to a server that asks.
    pub fn given(&self) -> Outcome<GivenTlsStreamConnector> {
        let roots = self.roots()?.ok_or("--tls given needs --ca")?;
        let builder = ClientConfig::builder().with_root_certificates(roots);
        let config = match self.identity()? {
            Some((certs, key)) => builder.with_client_auth_cert(certs, key)?,
            None => builder.with_no_client_auth(),
        };
        Ok(GivenTlsStreamConnector(TlsConnector::from(Arc::new(
            config,
        ))))
    }
}

/// What the servers of the tests have their certificates for.
pub fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("a valid name")
}

pub struct GivenTlsStreamConnector(TlsConnector);

impl fmt::Debug for GivenTlsStreamConnector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("GivenTlsStreamConnector")
    }
}

impl StreamConnector for GivenTlsStreamConnector {
    type Stream = client::TlsStream<TcpStream>;

    async fn connect_stream(&self, stream: TcpStream) -> io::Result<Self::Stream> {
        self.0.connect(localhost(), stream).await
    }
}
