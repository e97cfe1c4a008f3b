<?php

declare(strict_types=1);

namespace App\Mail;

use App\Support\Str;
use InvalidArgumentException;

const MAX_RECIPIENTS = 50;

interface Transport
{
    public function send(Message $message): bool;
}

trait LogsMessages
{
    protected array $log = [];

    protected function log(string $line): void
    {
        $this->log[] = date('c') . ' ' . $line;
    }
}

enum Priority: int
{
    case Low = 1;
    case High = 5;

    public function label(): string
    {
        return match ($this) {
            Priority::Low => 'low',
            Priority::High => 'high',
        };
    }
}

/**
 * Sends messages through a transport.
 */
#[Service]
final class Mailer
{
    use LogsMessages;

    public const RETRIES = 3;

    private array $recipients = [];

    public function __construct(private Transport $transport)
    {
        $this->log('mailer made');
    }

    /**
     * Adds a recipient, once.
     */
    public function to(string $address): static
    {
        if (!filter_var($address, FILTER_VALIDATE_EMAIL)) {
            throw new InvalidArgumentException("not an address: $address");
        }
        $this->recipients[$address] = true;

        return $this;
    }

    public function send(Message $message): bool
    {
        foreach (array_keys($this->recipients) as $address) {
            if (!$this->transport->send($message->withRecipient($address))) {
                return false;
            }
        }

        return true;
    }
}

function mailer(): Mailer
{
    static $mailer = null;
    $mailer ??= new Mailer(new SmtpTransport(getenv('SMTP_URL')));

    return $mailer;
}

$handler = function (Message $message) {
    mailer()->send($message);
};
?>
<p>Sent to <?= count($recipients) ?> people.</p>
